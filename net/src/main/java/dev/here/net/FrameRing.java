package dev.here.net;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * A bounded queue of frame records in a {@link FrameRoom} for one writing and one reading thread.
 * Layout: docs/specs/frame-gate.md.
 *
 * <p>Positions count octets from the beginning of time; a record lies at its position modulo the
 * capacity and never wraps. The writer alone moves {@link #tail}, the reader alone moves {@link
 * #head}; both are volatile, so a record is complete before its reader can see it and read before
 * its writer can write over it, also for who reads the room after this process has died. Nothing is
 * allocated after construction.
 */
final class FrameRing {
  /** Octets of a record before its frame's header. */
  static final int PREFIX_BYTES = 16;

  /** In place of a length: the rest up to the end of the ring is unused. */
  static final int SKIP = 0;

  private static final ValueLayout.OfInt U32 = FrameRoom.U32;
  private static final ValueLayout.OfLong U64 = FrameRoom.U64;
  private static final VarHandle POSITION = U64.varHandle();
  private static final int ALIGN = 8;

  private final MemorySegment positions;
  private final MemorySegment memory;
  private final long capacityBytes;

  /** An empty ring in new room. */
  FrameRing(FrameRoom room) {
    this.positions = room.segment().asSlice(0, FrameRoom.RING_OFFSET);
    this.memory = room.segment().asSlice(FrameRoom.RING_OFFSET);
    this.capacityBytes = memory.byteSize();
  }

  /** Octets that a record of a frame of {@code length} takes, its header included. */
  static int recordBytes(int length) {
    return PREFIX_BYTES + length + ALIGN - 1 & -ALIGN;
  }

  /** Position behind the last record. */
  long tail() {
    return (long) POSITION.getVolatile(positions, (long) FrameRoom.TAIL_OFFSET);
  }

  /** Position of the oldest record. */
  long head() {
    return (long) POSITION.getVolatile(positions, (long) FrameRoom.HEAD_OFFSET);
  }

  boolean isEmpty() {
    return head() == tail();
  }

  long usedBytes() {
    return tail() - head();
  }

  long capacityBytes() {
    return capacityBytes;
  }

  /** The writer adds a record; false when there is no room for it. */
  boolean add(long epoch, MemorySegment frame, int length) {
    long at = tail();
    int size = recordBytes(length);
    long toEnd = capacityBytes - (at & capacityBytes - 1);
    long skipped = toEnd < size ? toEnd : 0;
    if (capacityBytes - (at - head()) < skipped + size) {
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
    POSITION.setVolatile(positions, (long) FrameRoom.TAIL_OFFSET, at + size);
    return true;
  }

  /** Position of the record that the reader takes next: {@link #head}, or past unused octets. */
  private long next() {
    long at = head();
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
    long behind = at + recordBytes(memory.get(U32, at & capacityBytes - 1));
    POSITION.setVolatile(positions, (long) FrameRoom.HEAD_OFFSET, behind);
  }
}
