package dev.here.net;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A bounded queue of frame records in native memory for one writing and one reading thread. Layout:
 * docs/specs/frame-gate.md.
 *
 * <p>Positions count octets from the beginning of time; a record lies at its position modulo the
 * capacity and never wraps. The writer alone moves {@link #tail}, the reader alone moves {@link
 * #head}; both are volatile, so a record is complete before its reader can see it and read before
 * its writer can write over it. Nothing is allocated after construction.
 */
final class FrameRing {
  /** Octets of a record before its frame's header. */
  static final int PREFIX_BYTES = 16;

  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int ALIGN = 8;

  /** In place of a length: the rest up to the end of the ring is unused. */
  private static final int SKIP = 0;

  private final MemorySegment memory;
  private final long capacityBytes;
  private volatile long head;
  private volatile long tail;

  /**
   * @param memory of a size that {@link #checkedCapacity} lets pass
   */
  FrameRing(MemorySegment memory) {
    this.capacityBytes = memory.byteSize();
    this.memory = memory;
  }

  /** The same number, if it is a power of two and at least twice the longest record. */
  static long checkedCapacity(long capacityBytes) {
    if (Long.bitCount(capacityBytes) != 1
        || capacityBytes < 2L * (PREFIX_BYTES + FramePort.MAX_RECORD_BYTES)) {
      throw new IllegalArgumentException(
          "a frame gate holds %d octets; choose a power of two of at least 262144"
              .formatted(capacityBytes));
    }
    return capacityBytes;
  }

  /** Position behind the last record. */
  long tail() {
    return tail;
  }

  /** Position of the oldest record. */
  long head() {
    return head;
  }

  boolean isEmpty() {
    return head == tail;
  }

  long usedBytes() {
    return tail - head;
  }

  long capacityBytes() {
    return capacityBytes;
  }

  /** The writer adds a record; false when there is no room for it. */
  boolean add(long epoch, MemorySegment frame, int length) {
    long at = tail;
    int size = PREFIX_BYTES + length + ALIGN - 1 & -ALIGN;
    long toEnd = capacityBytes - (at & capacityBytes - 1);
    long skipped = toEnd < size ? toEnd : 0;
    if (capacityBytes - (at - head) < skipped + size) {
      return false;
    }
    if (skipped > 0) {
      memory.set(U32, at & capacityBytes - 1, SKIP);
      at += skipped;
    }
    long offset = at & capacityBytes - 1;
    memory.set(U32, offset, length);
    memory.set(U32, offset + 4, FramePort.HEADER_BYTES);
    memory.set(U64, offset + 8, epoch);
    MemorySegment.copy(frame, 0, memory, offset + PREFIX_BYTES, length);
    tail = at + size;
    return true;
  }

  /** Position of the record that the reader takes next: {@link #head}, or past unused octets. */
  private long next() {
    long at = head;
    return memory.get(U32, at & capacityBytes - 1) == SKIP
        ? at + capacityBytes - (at & capacityBytes - 1)
        : at;
  }

  /** Length of the reader's next frame, header included; only when not empty. */
  int length() {
    return memory.get(U32, next() & capacityBytes - 1);
  }

  /** Epoch of the reader's next frame; only when not empty. */
  long epoch() {
    return memory.get(U64, (next() & capacityBytes - 1) + 8);
  }

  /** The reader copies its next frame out; only when not empty. */
  void copy(MemorySegment into) {
    long offset = next() & capacityBytes - 1;
    MemorySegment.copy(memory, offset + PREFIX_BYTES, into, 0, memory.get(U32, offset));
  }

  /** The reader is done with its next frame. */
  void remove() {
    long at = next();
    head = at + (PREFIX_BYTES + memory.get(U32, at & capacityBytes - 1) + ALIGN - 1 & -ALIGN);
  }
}
