package dev.here.replication;

import dev.here.machine.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Pages of one data stream, staged on the standby in chunks of a {@link ReplicaStore}: each chunk
 * has 1024 page indices (32 bits each) and then the 1024 pages. Chunks are kept, so a steady load
 * allocates nothing. One thread at a time.
 */
final class PageLog {
  static final int CHUNK_PAGES = 1024;
  static final long INDEX_BYTES = (long) CHUNK_PAGES * Integer.BYTES;
  static final long CHUNK_BYTES = INDEX_BYTES + (long) CHUNK_PAGES * MemoryRegion.PAGE_BYTES;

  private final ReplicaStore store;
  private final int stream;
  private final List<MemorySegment> chunks = new ArrayList<>();
  private int count;

  PageLog(ReplicaStore store, int stream) {
    this.store = store;
    this.stream = stream;
  }

  int count() {
    return count;
  }

  /** Takes over {@code pages} pages that an earlier process staged. */
  void recover(int pages) {
    while ((long) chunks.size() * CHUNK_PAGES < pages) {
      chunks.add(store.chunk(stream, chunks.size()));
    }
    count = pages;
  }

  /** Appends a page and returns its slot; the caller fills its octets. */
  int reserve(int pageIndex) {
    if (count == chunks.size() * CHUNK_PAGES) {
      chunks.add(store.chunk(stream, chunks.size()));
    }
    chunk(count).set(ValueLayout.JAVA_INT, (long) (count % CHUNK_PAGES) * Integer.BYTES, pageIndex);
    return count++;
  }

  int pageIndex(int slot) {
    return chunk(slot).get(ValueLayout.JAVA_INT, (long) (slot % CHUNK_PAGES) * Integer.BYTES);
  }

  MemorySegment chunk(int slot) {
    return chunks.get(slot / CHUNK_PAGES);
  }

  static long offset(int slot) {
    return INDEX_BYTES + (long) (slot % CHUNK_PAGES) * MemoryRegion.PAGE_BYTES;
  }

  /** Copies every page to its place in {@code memory}; doing it again changes nothing. */
  void applyTo(MemorySegment memory) {
    for (int slot = 0; slot < count; slot++) {
      MemorySegment.copy(
          chunk(slot),
          offset(slot),
          memory,
          (long) pageIndex(slot) * MemoryRegion.PAGE_BYTES,
          MemoryRegion.PAGE_BYTES);
    }
  }

  void clear() {
    count = 0;
  }
}
