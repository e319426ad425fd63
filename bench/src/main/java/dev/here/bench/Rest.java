package dev.here.bench;

import java.util.concurrent.locks.LockSupport;

/** Short waits between two looks at something. */
final class Rest {
  private Rest() {}

  static void nanos(long nanos) {
    LockSupport.parkNanos(nanos);
    if (Thread.interrupted()) {
      Thread.currentThread().interrupt();
      throw new BenchException("interrupted");
    }
  }
}
