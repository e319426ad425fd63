package dev.here.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A small native segment per thread for the arguments of one system call, so that hot paths don't
 * allocate. Its content is anybody's after the call: never keep it, and don't hold it across a call
 * to code that may use it too.
 */
public final class ThreadScratch {
  /** Size of the segment in bytes; it is aligned to 64. */
  public static final int SIZE_BYTES = 8192;

  private static final ThreadLocal<MemorySegment> SEGMENT =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(SIZE_BYTES, 64));

  private ThreadScratch() {}

  /** This thread's segment with whatever its last user left there. */
  public static MemorySegment segment() {
    return SEGMENT.get();
  }

  /** The first {@code sizeBytes} of this thread's segment, zeroed. This allocates a slice. */
  public static MemorySegment zeroed(long sizeBytes) {
    return SEGMENT.get().asSlice(0, sizeBytes).fill((byte) 0);
  }
}
