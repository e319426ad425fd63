package dev.here.net;

import dev.here.ffi.AllocatedFile;
import dev.here.ffi.FileDescriptor;
import dev.here.ffi.MappedMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The memory of a gate: a page that says what it is and holds the ring's positions, then the ring's
 * octets. In a file, what is held outlives the process: {@link HeldFrames} reads it. Layout:
 * docs/specs/frame-gate.md.
 */
public final class FrameRoom implements AutoCloseable {
  /** "HEREgate" as it lies in the file. */
  static final long MAGIC = 0x65746167_45524548L;

  static final int VERSION = 2;
  static final int VERSION_OFFSET = 8;
  static final int HEADER_BYTES_OFFSET = 12;
  static final int CAPACITY_OFFSET = 16;
  static final int LEAVING_OFFSET = 24;

  /** The positions have a cache line each: two threads write them. */
  static final int HEAD_OFFSET = 64;

  static final int TAIL_OFFSET = 128;
  static final int RING_OFFSET = 4096;

  static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MappedMemory memory;
  private final Optional<Path> file;

  private FrameRoom(MappedMemory memory, long capacityBytes, Optional<Path> file) {
    this.memory = memory;
    this.file = file;
    MemorySegment page = memory.segment();
    page.set(U32, VERSION_OFFSET, VERSION);
    page.set(U32, HEADER_BYTES_OFFSET, FramePort.HEADER_BYTES);
    page.set(U64, CAPACITY_OFFSET, capacityBytes);
    page.set(U64, 0, MAGIC);
  }

  /**
   * Memory of this process, taken as it is first written.
   *
   * @param capacityBytes of the ring, a power of two
   */
  public static FrameRoom anonymous(long capacityBytes) {
    return new FrameRoom(
        MappedMemory.anonymous(RING_OFFSET + checkedCapacity(capacityBytes)),
        capacityBytes,
        Optional.empty());
  }

  /**
   * A new file, in place of one that a dead process left; removed when this is closed.
   *
   * @param file on a file system in memory: what is mapped is written back elsewhere
   * @param capacityBytes of the ring, a power of two; all of it is taken at once
   * @throws dev.here.ffi.NativeException when there is no room for it
   */
  public static FrameRoom inFile(Path file, long capacityBytes) {
    long size = RING_OFFSET + checkedCapacity(capacityBytes);
    try (FileDescriptor descriptor = AllocatedFile.create(file, size)) {
      return new FrameRoom(
          MappedMemory.shared(descriptor, 0, size), capacityBytes, Optional.of(file));
    }
  }

  /** The same number, if it is a power of two and at least twice the longest record. */
  static long checkedCapacity(long capacityBytes) {
    if (Long.bitCount(capacityBytes) != 1
        || capacityBytes < 2L * (FrameRing.PREFIX_BYTES + FramePort.MAX_RECORD_BYTES)) {
      throw new IllegalArgumentException(
          "a frame gate holds %d octets; choose a power of two of at least 262144"
              .formatted(capacityBytes));
    }
    return capacityBytes;
  }

  /** Says how long a header the back end uses, 0, 10 or 12 octets, to who lets the frames out. */
  void headerBytes(int bytes) {
    memory.segment().set(U32, HEADER_BYTES_OFFSET, bytes);
  }

  /** Says whether a frame is on its way out at this moment, to who goes on with the way. */
  void leaving(boolean now) {
    memory.segment().set(U32, LEAVING_OFFSET, now ? 1 : 0);
  }

  MemorySegment segment() {
    return memory.segment();
  }

  /** Gives the memory back and removes the file: what is held is lost. */
  @Override
  public void close() {
    memory.close();
    if (file.isPresent()) {
      try {
        Files.deleteIfExists(file.get());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
