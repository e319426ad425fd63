package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/** clock_gettime(2) for the clocks that Java doesn't offer. */
public enum Clock {
  /** Wall clock. */
  REALTIME(0),
  /** Stands still while the host is suspended. */
  MONOTONIC(1),
  /** Monotonic without NTP's slewing, as the host's TSC runs. */
  MONOTONIC_RAW(4),
  /** Goes on while the host is suspended. */
  BOOTTIME(7);

  private static final NativeFunction GETTIME = Downcall.libc().function("clock_gettime");

  private final int number;

  Clock(int number) {
    this.number = number;
  }

  /** Nanoseconds since the clock's own origin. */
  public long nanos() {
    MemorySegment timespec = ThreadScratch.segment();
    if (GETTIME.value(number, timespec.address(), 0) != 0) {
      throw new IllegalStateException("the kernel has no clock " + name());
    }
    return timespec.get(JAVA_LONG, 0) * 1_000_000_000L + timespec.get(JAVA_LONG, 8);
  }
}
