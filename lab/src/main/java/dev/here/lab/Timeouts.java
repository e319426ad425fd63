package dev.here.lab;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Ends waits on hosts that may never answer. */
final class Timeouts {
  private static final ScheduledExecutorService TIMER =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("lab-timeouts").factory());

  private Timeouts() {}

  /** Closes a session after so long; what it is then waiting for ends with an I/O error. */
  static ScheduledFuture<?> closeAfter(ExecSession session, long millis) {
    return TIMER.schedule(session::close, millis, TimeUnit.MILLISECONDS);
  }
}
