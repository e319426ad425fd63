package dev.here.driver.qemu;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Follows QEMU's STOP and RESUME events: when the guest stood still, by QEMU's own wall clock, and
 * for how long in all.
 */
final class Standstill implements Consumer<QmpEvent> {
  private final long beganNanos = System.nanoTime();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private long stopRealtimeNanos;
  private long resumeRealtimeNanos;
  private long lagNanos;
  private long resumes;

  /** When the guest was last seen to go on, {@link System#nanoTime()}; it may stand again. */
  private long resumedNanos;

  private boolean stands = true;
  private String coloExit = "";
  private boolean over;

  /** One pause as QEMU's events show it, wall-clock nanoseconds since 1970. */
  record Pause(long stopRealtimeNanos, long resumeRealtimeNanos) {}

  @Override
  public void accept(QmpEvent event) {
    lock.lock();
    try {
      switch (event.name()) {
        case "STOP" -> {
          stopRealtimeNanos = event.realtimeNanos();
          stands = true;
        }
        case "RESUME" -> {
          resumedNanos = System.nanoTime();
          stands = false;
          resumeRealtimeNanos = event.realtimeNanos();
          resumes++;
          lagNanos += Math.max(0, resumeRealtimeNanos - stopRealtimeNanos);
        }
        case "COLO_EXIT" -> coloExit = event.data().path("reason").asString("?");
        default -> {}
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How many times the guest has gone on. */
  long resumes() {
    lock.lock();
    try {
      return resumes;
    } finally {
      lock.unlock();
    }
  }

  /** Whether QEMU has said within the last {@code nanos} that the guest goes on, and no more. */
  boolean wentOnWithin(long nanos) {
    lock.lock();
    try {
      return !stands && System.nanoTime() - resumedNanos < nanos;
    } finally {
      lock.unlock();
    }
  }

  /** QEMU's reason for having left COLO, empty as long as it has not. */
  String coloExit() {
    lock.lock();
    try {
      return coloExit;
    } finally {
      lock.unlock();
    }
  }

  /** QEMU tells nothing any more: whoever waits need not. */
  void end() {
    lock.lock();
    try {
      over = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until the guest has gone on more than {@code before} times.
   *
   * @return the last pause, or null when the time passes or QEMU has ended
   */
  @org.jspecify.annotations.Nullable
  Pause awaitResume(long before, long timeoutNanos) throws InterruptedException {
    lock.lock();
    try {
      long left = timeoutNanos;
      while (resumes <= before) {
        if (left <= 0 || over) {
          return null;
        }
        left = changed.awaitNanos(left);
      }
      return new Pause(stopRealtimeNanos, resumeRealtimeNanos);
    } finally {
      lock.unlock();
    }
  }

  ClockLag lag() {
    lock.lock();
    try {
      return new ClockLag(lagNanos, resumes, System.nanoTime() - beganNanos);
    } finally {
      lock.unlock();
    }
  }

  /** A pause's length in milliseconds, for messages. */
  static long millis(long nanos) {
    return TimeUnit.NANOSECONDS.toMillis(nanos);
  }
}
