package dev.here.replication;

/** Counts what a {@link PageEncoder} made of its pages. Written by the encoder's thread only. */
final class EncodingTally {
  long unchangedPages;
  long zeroPages;
  long deltaPages;
  long lz4Pages;
  long rawPages;
  long encodedBytes;

  /** Pages that went as themselves and are not zeros. */
  long wholePages() {
    return lz4Pages + rawPages;
  }

  /** Pages that stand in frames. */
  long sentPages() {
    return zeroPages + deltaPages + lz4Pages + rawPages;
  }
}
