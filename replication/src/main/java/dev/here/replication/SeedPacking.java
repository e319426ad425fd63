package dev.here.replication;

/**
 * Decides, frame by frame, whether the pages of a first copy are compressed: only while compressing
 * a page takes less time than sending one as it is. Which of the two is slower depends on the
 * machine and on the way to the standby, and is measured as the copy goes on: mostly the better
 * choice is used, now and then the other one is tried. One thread.
 */
final class SeedPacking {
  /** Frames as they are, in a row, that tell how fast the way takes them: they fill its buffers. */
  private static final int RAW_TRIAL_FRAMES = 8;

  /** Compressing costs the same each time: one frame tells. */
  private static final int PACKED_TRIAL_FRAMES = 1;

  private static final int FRAMES_BETWEEN_TRIALS = 256;

  private boolean packs;
  private boolean onTrial = true;
  private int framesLeft = RAW_TRIAL_FRAMES;
  private double rawPageNanos;
  private double packedPageNanos;
  private long runNanos;
  private long runPages;

  /** Whether the next frame's pages are to be compressed. */
  boolean packs() {
    return packs;
  }

  /**
   * A frame was sent.
   *
   * @param pages how many pages in it went whole; a frame without any tells nothing
   * @param encodeNanos time that encoding them took
   * @param writeNanos time until the connection had taken them
   */
  void sent(long pages, long encodeNanos, long writeNanos) {
    if (pages == 0) {
      return;
    }
    // A compressed frame may have to wait until the raw ones before it are gone: not its cost.
    runNanos += packs ? encodeNanos : encodeNanos + writeNanos;
    runPages += pages;
    framesLeft--;
    if (framesLeft == 0) {
      endRun();
    }
  }

  private void endRun() {
    double pageNanos = (double) runNanos / runPages;
    boolean first = packedPageNanos == 0;
    if (packs) {
      packedPageNanos = pageNanos;
    } else {
      rawPageNanos = pageNanos;
    }
    runNanos = 0;
    runPages = 0;
    if (onTrial && !(first && !packs)) {
      onTrial = false;
      packs = packedPageNanos < rawPageNanos;
      framesLeft = FRAMES_BETWEEN_TRIALS;
    } else {
      onTrial = true;
      packs = !packs;
      framesLeft = packs ? PACKED_TRIAL_FRAMES : RAW_TRIAL_FRAMES;
    }
  }
}
