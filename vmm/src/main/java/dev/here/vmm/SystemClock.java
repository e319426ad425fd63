package dev.here.vmm;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Guest time from the host's monotonic clock. It is real time: a pause hides it, so that the state
 * of all devices is of one instant, but the time of the pause has passed when the guest goes on, as
 * it has for the time-stamp counter (docs/decisions/guest-time.md). One daemon thread fires the
 * timers, with the platform's lock held. All methods but {@link #close} are called with that lock
 * held.
 */
final class SystemClock implements GuestClock, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SystemClock.class);
  private static final long NEVER = Long.MAX_VALUE;

  private final ReentrantLock platform;
  private final Condition changed;
  private final List<HostTimer> timers = new ArrayList<>();
  private final Thread thread;
  private boolean begun;
  private boolean running;
  private boolean closed;
  private long frozenNanos;
  private long hostNanosAtZero;
  private long wakeNanos = NEVER;

  /** A clock that stands at 0. */
  SystemClock(ReentrantLock platform) {
    this.platform = platform;
    this.changed = platform.newCondition();
    this.thread = Thread.ofPlatform().name("guest-timers").daemon().unstarted(this::fireTimers);
    thread.start();
  }

  /** Guest time goes on: the first time from where it stands, then as if it had never stood. */
  void start() {
    if (!begun) {
      hostNanosAtZero = System.nanoTime() - frozenNanos;
      begun = true;
    }
    running = true;
    changed.signal();
  }

  /** Guest time is seen to stand still; no timer fires until {@link #start}. */
  void stop() {
    if (running) {
      frozenNanos = System.nanoTime() - hostNanosAtZero;
      running = false;
    }
  }

  /** Before the first start: lets {@code nanos} pass that went by while nobody ran the guest. */
  void advance(long nanos) {
    if (begun) {
      throw new IllegalStateException("the guest's clock runs already");
    }
    frozenNanos += nanos;
  }

  @Override
  public long nanos() {
    return running ? System.nanoTime() - hostNanosAtZero : frozenNanos;
  }

  @Override
  public Timer timer(Runnable expired) {
    HostTimer timer = new HostTimer(expired);
    timers.add(timer);
    return timer;
  }

  private final class HostTimer implements Timer {
    private final Runnable expired;
    private long deadlineNanos = NEVER;

    HostTimer(Runnable expired) {
      this.expired = expired;
    }

    @Override
    public void set(long deadline) {
      deadlineNanos = deadline;
      if (deadline < wakeNanos) {
        changed.signal();
      }
    }

    @Override
    public void cancel() {
      deadlineNanos = NEVER;
    }
  }

  private void fireTimers() {
    platform.lock();
    try {
      while (!closed) {
        wakeNanos = running ? fireDue() : NEVER;
        if (wakeNanos == NEVER) {
          changed.awaitUninterruptibly();
        } else {
          awaitNanos(wakeNanos - nanos());
        }
      }
    } finally {
      platform.unlock();
    }
  }

  private void awaitNanos(long nanos) {
    if (nanos > 0) {
      try {
        long left = changed.awaitNanos(nanos);
        LOG.trace("woken with {} ns left", left);
      } catch (InterruptedException e) {
        LOG.debug("interrupts do not end the timer thread", e);
      }
    }
  }

  /** Fires what is due and returns the next deadline. */
  private long fireDue() {
    long next = NEVER;
    for (int at = 0; at < timers.size(); at++) {
      HostTimer timer = timers.get(at);
      if (timer.deadlineNanos <= nanos()) {
        timer.deadlineNanos = NEVER;
        fire(timer);
      }
    }
    for (int at = 0; at < timers.size(); at++) {
      next = Math.min(next, timers.get(at).deadlineNanos);
    }
    return next;
  }

  private static void fire(HostTimer timer) {
    try {
      timer.expired.run();
    } catch (RuntimeException e) {
      LOG.error("a device's timer failed; the device may stand still", e);
    }
  }

  @Override
  public void close() {
    platform.lock();
    try {
      closed = true;
      changed.signal();
    } finally {
      platform.unlock();
    }
  }
}
