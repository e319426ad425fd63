package dev.here.replication;

import dev.here.formats.wire.PageEncoding;
import dev.here.formats.wire.PageFrame;
import dev.here.machine.MemoryRegion;
import io.airlift.compress.v3.lz4.Lz4Compressor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Encodes pages into a page frame: unchanged ones are left out, zeros cost no data, changed ones go
 * as an LZ4 block of their difference to what the standby holds, or of themselves, or raw where
 * neither is shorter or compressing is not asked for ({@link #pack}). Nothing is allocated a page.
 * One thread.
 *
 * <p>The <em>shadow</em> is the primary's copy of what the standby will hold once it has read
 * everything encoded so far; it costs as much memory as the guest has. Without one, no page is left
 * out and none goes as a difference.
 */
final class PageEncoder {
  private static final int PAGE = MemoryRegion.PAGE_BYTES;
  private static final int WORDS = PAGE / Long.BYTES;

  /** With more changed words than this the page itself usually compresses better. */
  private static final int MOST_DELTA_WORDS = WORDS * 3 / 4;

  /** A block longer than this is not worth its decoding. */
  private static final int LONGEST_BLOCK = PAGE - 256;

  private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final MemorySegment ZEROS = Arena.global().allocate(PAGE, 64);

  /** Words are worked on in arrays: a segment's own access costs a call each below C2. */
  private final long[] difference = new long[WORDS];

  private final long[] heldWords = new long[WORDS];
  private final Lz4Compressor lz4 = Lz4Compressor.create();
  private final MemorySegment plain = Arena.ofAuto().allocate(PAGE, 64);
  private final MemorySegment packed = Arena.ofAuto().allocate(lz4.maxCompressedLength(PAGE), 64);
  private final Optional<MemorySegment> shadow;
  private final EncodingTally tally = new EncodingTally();
  private boolean packs = true;

  PageEncoder(Optional<MemorySegment> shadow) {
    this.shadow = shadow;
  }

  /** What was encoded so far. */
  EncodingTally tally() {
    return tally;
  }

  /**
   * Encodes the page at {@code offset} of {@code source} into {@code frame}, which has room, and
   * notes it in the shadow. With {@code whole}, what the standby holds is not known: the page is
   * neither left out nor sent as a difference.
   */
  void encode(int pageIndex, MemorySegment source, long offset, PageFrame frame, boolean whole) {
    if (shadow.isEmpty()) {
      encodeWhole(pageIndex, source, offset, frame);
      return;
    }
    MemorySegment held = shadow.get();
    long heldOffset = (long) pageIndex * PAGE;
    boolean same =
        MemorySegment.mismatch(source, offset, offset + PAGE, held, heldOffset, heldOffset + PAGE)
            < 0;
    if (same && !whole) {
      tally.unchangedPages++;
      return;
    }
    if (whole || !encodeDelta(pageIndex, source, offset, held, heldOffset, frame)) {
      encodeWhole(pageIndex, source, offset, frame);
    }
    if (!same) {
      MemorySegment.copy(source, offset, held, heldOffset, PAGE);
    }
  }

  /** Whether pages that go whole are to be compressed from now on; at first they are. */
  void pack(boolean whether) {
    packs = whether;
  }

  /** Notes a page in the shadow that cannot be sent now. */
  void absorb(int pageIndex, MemorySegment source, long offset) {
    shadow.ifPresent(
        held -> MemorySegment.copy(source, offset, held, (long) pageIndex * PAGE, PAGE));
  }

  static boolean isZero(MemorySegment source, long offset) {
    return source.get(WORD, offset) == 0
        && MemorySegment.mismatch(source, offset, offset + PAGE, ZEROS, 0, PAGE) < 0;
  }

  private boolean encodeDelta(
      int pageIndex,
      MemorySegment source,
      long offset,
      MemorySegment held,
      long heldOffset,
      PageFrame frame) {
    // Against a page of zeros, as all are in a seeding, the difference is the page itself.
    if (isZero(source, offset) || isZero(held, heldOffset)) {
      return false;
    }
    MemorySegment.copy(source, WORD, offset, difference, 0, WORDS);
    MemorySegment.copy(held, WORD, heldOffset, heldWords, 0, WORDS);
    int changed = 0;
    for (int at = 0; at < WORDS; at++) {
      difference[at] ^= heldWords[at];
      changed += difference[at] == 0 ? 0 : 1;
    }
    if (changed > MOST_DELTA_WORDS) {
      return false;
    }
    MemorySegment.copy(difference, 0, plain, WORD, 0, WORDS);
    int length = lz4.compress(plain, packed);
    if (length > LONGEST_BLOCK) {
      return false;
    }
    frame.add(pageIndex, PageEncoding.DELTA_LZ4, packed, 0, length);
    tally.deltaPages++;
    tally.encodedBytes += length;
    return true;
  }

  private void encodeWhole(int pageIndex, MemorySegment source, long offset, PageFrame frame) {
    if (isZero(source, offset)) {
      frame.addZero(pageIndex);
      tally.zeroPages++;
    } else if (!packs || !encodePacked(pageIndex, source, offset, frame)) {
      frame.add(pageIndex, PageEncoding.RAW, source, offset, PAGE);
      tally.rawPages++;
      tally.encodedBytes += PAGE;
    }
  }

  private boolean encodePacked(int pageIndex, MemorySegment source, long offset, PageFrame frame) {
    MemorySegment.copy(source, offset, plain, 0, PAGE);
    int length = lz4.compress(plain, packed);
    if (length > LONGEST_BLOCK) {
      return false;
    }
    frame.add(pageIndex, PageEncoding.LZ4, packed, 0, length);
    tally.lz4Pages++;
    tally.encodedBytes += length;
    return true;
  }
}
