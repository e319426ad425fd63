package dev.here.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A set of page indices of one memory map's backing, one bit a page, off the heap in little-endian
 * 64-bit words (the form of KVM's and Xen's dirty bitmaps). Not thread-safe; the arena that made it
 * owns it.
 */
public final class DirtySet {
  private final MemorySegment words;
  private final int pageCount;

  /** An empty set for pages 0 to {@code pageCount - 1}. */
  public DirtySet(Arena owner, int pageCount) {
    this(owner.allocate(wordBytes(pageCount), 64), pageCount);
  }

  private DirtySet(MemorySegment words, int pageCount) {
    this.words = words;
    this.pageCount = pageCount;
  }

  /**
   * A set whose bits lie in memory that exists already, for example shared with another process.
   *
   * @param words {@link #wordBytes} long at least, aligned to 8
   */
  public static DirtySet over(MemorySegment words, int pageCount) {
    Bounds.range("dirtySet.words", words.byteSize(), wordBytes(pageCount), Long.MAX_VALUE);
    return new DirtySet(words.asSlice(0, wordBytes(pageCount)), pageCount);
  }

  /** Octets that the bits of {@code pageCount} pages take. */
  public static long wordBytes(int pageCount) {
    Bounds.range("dirtySet.pageCount", pageCount, 1, Integer.MAX_VALUE - 63);
    return (pageCount + 63L) / 64 * 8;
  }

  public int pageCount() {
    return pageCount;
  }

  /**
   * The bitmap itself: {@code (pageCount + 63) / 64} words. Bits past the last page must stay zero.
   */
  public MemorySegment words() {
    return words;
  }

  public void add(int pageIndex) {
    long at = pageIndex >>> 6;
    words.setAtIndex(
        ValueLayout.JAVA_LONG, at, words.getAtIndex(ValueLayout.JAVA_LONG, at) | 1L << pageIndex);
  }

  /** Adds pages {@code first} to {@code first + count - 1}. */
  public void addRange(int first, int count) {
    for (int page = first; page < first + count; page++) {
      add(page);
    }
  }

  public boolean contains(int pageIndex) {
    return (words.getAtIndex(ValueLayout.JAVA_LONG, pageIndex >>> 6) >>> pageIndex & 1) != 0;
  }

  /** Adds all pages of {@code other}, which is for the same number of pages. */
  public void addAll(DirtySet other) {
    Bounds.range("dirtySet.pageCount", other.pageCount, pageCount, pageCount);
    for (long at = 0; at < words.byteSize() / 8; at++) {
      words.setAtIndex(
          ValueLayout.JAVA_LONG,
          at,
          words.getAtIndex(ValueLayout.JAVA_LONG, at)
              | other.words.getAtIndex(ValueLayout.JAVA_LONG, at));
    }
  }

  public void clear() {
    words.fill((byte) 0);
  }

  /** Number of pages in the set. */
  public int count() {
    int count = 0;
    for (long at = 0; at < words.byteSize() / 8; at++) {
      count += Long.bitCount(words.getAtIndex(ValueLayout.JAVA_LONG, at));
    }
    return count;
  }

  /** The first page in the set at or after {@code from}, or -1. */
  public int next(int from) {
    if (from >= pageCount) {
      return -1;
    }
    long at = from >>> 6;
    long last = words.byteSize() / 8;
    long word = words.getAtIndex(ValueLayout.JAVA_LONG, at) & -1L << from;
    while (word == 0) {
      if (++at == last) {
        return -1;
      }
      word = words.getAtIndex(ValueLayout.JAVA_LONG, at);
    }
    return (int) (at << 6) + Long.numberOfTrailingZeros(word);
  }
}
