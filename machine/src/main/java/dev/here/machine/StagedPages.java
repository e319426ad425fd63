package dev.here.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The pages of one checkpoint, copied out of the guest: page indices with 4096 octets each, off the
 * heap. Grows by chunks and keeps them, so that a steady load allocates nothing. One writer at a
 * time; {@link #close} frees all.
 *
 * <p>The same page may be added twice (a seeding pass and a later one): the last copy counts.
 */
public final class StagedPages implements AutoCloseable {
  private static final int CHUNK_PAGES = 1024;
  private static final long CHUNK_BYTES = (long) CHUNK_PAGES * MemoryRegion.PAGE_BYTES;

  private final Arena arena = Arena.ofShared();
  private final List<MemorySegment> chunks = new ArrayList<>();
  private MemorySegment indices = arena.allocate(ValueLayout.JAVA_INT, CHUNK_PAGES);
  private int count;

  /** Number of pages staged. */
  public int count() {
    return count;
  }

  /** Octets of page contents staged. */
  public long sizeBytes() {
    return (long) count * MemoryRegion.PAGE_BYTES;
  }

  /** Page index of the {@code slot}-th staged page. */
  public int pageIndex(int slot) {
    return indices.getAtIndex(ValueLayout.JAVA_INT, slot);
  }

  /** The chunk that holds the {@code slot}-th page's contents, at {@link #offset}. */
  public MemorySegment chunk(int slot) {
    return chunks.get(slot / CHUNK_PAGES);
  }

  /** Where in its chunk the {@code slot}-th page's contents begin. */
  public static long offset(int slot) {
    return (long) (slot % CHUNK_PAGES) * MemoryRegion.PAGE_BYTES;
  }

  /** Appends a page and returns its slot; the caller fills its 4096 octets. */
  public int reserve(int pageIndex) {
    if (count == chunks.size() * CHUNK_PAGES) {
      grow();
    }
    indices.setAtIndex(ValueLayout.JAVA_INT, count, pageIndex);
    return count++;
  }

  /** Appends a page with a copy of the 4096 octets of {@code source} at {@code sourceOffset}. */
  public void add(int pageIndex, MemorySegment source, long sourceOffset) {
    int slot = reserve(pageIndex);
    MemorySegment.copy(source, sourceOffset, chunk(slot), offset(slot), MemoryRegion.PAGE_BYTES);
  }

  /** Appends a page of zeros. */
  public void addZero(int pageIndex) {
    int slot = reserve(pageIndex);
    chunk(slot).asSlice(offset(slot), MemoryRegion.PAGE_BYTES).fill((byte) 0);
  }

  /**
   * Appends {@code pageCount} pages from {@code firstPage} on, copied from {@code source} in one
   * run a chunk.
   */
  public void addRun(int firstPage, int pageCount, MemorySegment source, long sourceOffset) {
    int done = 0;
    while (done < pageCount) {
      if (count == chunks.size() * CHUNK_PAGES) {
        grow();
      }
      int run = Math.min(pageCount - done, CHUNK_PAGES - count % CHUNK_PAGES);
      MemorySegment.copy(
          source,
          sourceOffset + (long) done * MemoryRegion.PAGE_BYTES,
          chunk(count),
          offset(count),
          (long) run * MemoryRegion.PAGE_BYTES);
      for (int page = 0; page < run; page++) {
        indices.setAtIndex(ValueLayout.JAVA_INT, count++, firstPage + done + page);
      }
      done += run;
    }
  }

  /** Forgets all pages; the memory is kept for the next checkpoint. */
  public void clear() {
    count = 0;
  }

  private void grow() {
    chunks.add(arena.allocate(CHUNK_BYTES, MemoryRegion.PAGE_BYTES));
    if ((long) chunks.size() * CHUNK_PAGES * Integer.BYTES > indices.byteSize()) {
      MemorySegment larger = arena.allocate(indices.byteSize() * 2, Integer.BYTES);
      MemorySegment.copy(indices, 0, larger, 0, indices.byteSize());
      indices = larger;
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
