package dev.here.net;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what the kernel does within microseconds, or a little later on a busy host. */
final class Draining {
  private static final long LOOK_NANOS = 100_000;

  private static final long SETTLING_NANOS = 5_000_000;

  private Draining() {}

  /**
   * Waits before what follows on another interface is let go: on a virtual link what has left may
   * still be in the backlog of another processor (net/core/dev.c, netif_rx), and be overtaken.
   */
  static void settle() {
    await(() -> false, SETTLING_NANOS);
  }

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
