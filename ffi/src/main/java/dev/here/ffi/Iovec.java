package dev.here.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/** struct iovec (sys/uio.h): one piece of a scattered read or write. */
public final class Iovec {
  public static final StructLayout LAYOUT =
      MemoryLayout.structLayout(ADDRESS.withName("iov_base"), JAVA_LONG.withName("iov_len"))
          .withName("struct iovec");

  private Iovec() {}

  /** Fills entry {@code index} of an array of iovecs. */
  public static void set(MemorySegment array, int index, long address, long sizeBytes) {
    array.set(JAVA_LONG, index * 16L, address);
    array.set(JAVA_LONG, index * 16L + 8, sizeBytes);
  }
}
