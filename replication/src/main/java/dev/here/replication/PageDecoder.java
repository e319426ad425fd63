package dev.here.replication;

import dev.here.formats.wire.PageCursor;
import dev.here.formats.wire.PageEncoding;
import dev.here.formats.wire.WireException;
import dev.here.machine.MemoryRegion;
import io.airlift.compress.v3.lz4.Lz4Decompressor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Decodes page entries, the counterpart of {@link PageEncoder}. What comes is not trusted: a block
 * that is not valid LZ4 or does not give exactly one page is refused. Nothing is allocated a page.
 * One thread.
 */
final class PageDecoder {
  private static final int PAGE = MemoryRegion.PAGE_BYTES;
  private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final int WORDS = PAGE / Long.BYTES;
  private static final MemorySegment ZEROS = Arena.global().allocate(PAGE, 64);

  /** Words are worked on in arrays: a segment's own access costs a call each below C2. */
  private final long[] words = new long[WORDS];

  private final long[] heldWords = new long[WORDS];
  private final Lz4Decompressor lz4 = Lz4Decompressor.create();
  private final MemorySegment packed = Arena.ofAuto().allocate(PAGE, 64);
  private final MemorySegment plain = Arena.ofAuto().allocate(PAGE, 64);

  /** Views of {@link #packed} by length: the decompressor takes its length from the view. */
  private final MemorySegment[] packedByLength = new MemorySegment[PAGE];

  PageDecoder() {
    for (int length = 0; length < PAGE; length++) {
      packedByLength[length] = packed.asSlice(0, length);
    }
  }

  /**
   * Writes the cursor's current page to {@code target}; {@code held} is the page that a difference
   * refers to, and may be the target itself.
   */
  void decode(
      PageCursor entry,
      MemorySegment held,
      long heldOffset,
      MemorySegment target,
      long targetOffset) {
    switch (entry.encoding()) {
      case PageEncoding.ZERO -> MemorySegment.copy(ZEROS, 0, target, targetOffset, PAGE);
      case PageEncoding.RAW ->
          MemorySegment.copy(entry.segment(), entry.dataOffset(), target, targetOffset, PAGE);
      case PageEncoding.LZ4 -> {
        unpack(entry);
        MemorySegment.copy(plain, 0, target, targetOffset, PAGE);
      }
      case PageEncoding.DELTA_LZ4 -> {
        unpack(entry);
        MemorySegment.copy(plain, WORD, 0, words, 0, WORDS);
        MemorySegment.copy(held, WORD, heldOffset, heldWords, 0, WORDS);
        for (int at = 0; at < WORDS; at++) {
          words[at] ^= heldWords[at];
        }
        MemorySegment.copy(words, 0, target, WORD, targetOffset, WORDS);
      }
      default -> throw new WireException("page encoding %d is unknown".formatted(entry.encoding()));
    }
  }

  private void unpack(PageCursor entry) {
    int length = entry.dataBytes();
    MemorySegment.copy(entry.segment(), entry.dataOffset(), packed, 0, length);
    int unpacked;
    try {
      unpacked = lz4.decompress(packedByLength[length], plain);
    } catch (RuntimeException e) {
      // The library's Java and native decompressors refuse with different unchecked exceptions.
      throw new WireException("page %d is not valid LZ4".formatted(entry.pageIndex()), e);
    }
    if (unpacked != PAGE) {
      throw new WireException(
          "page %d unpacks to %d octets".formatted(entry.pageIndex(), unpacked));
    }
  }
}
