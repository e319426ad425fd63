package dev.here.net;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what the kernel does within microseconds, or a little later on a busy host. */
final class Draining {
  private static final long LOOK_NANOS = 100_000;

  private Draining() {}

  /** Whether {@code empty} was so within {@code limitNanos}. */
  static boolean await(BooleanSupplier empty, long limitNanos) {
    long deadline = System.nanoTime() + limitNanos;
    while (!empty.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        return false;
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
    return true;
  }
}
