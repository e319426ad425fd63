package dev.here.vmm;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A guest clock that moves only when told; timers fire in the order of their deadlines. */
final class FakeClock implements GuestClock {
  private static final long NEVER = Long.MAX_VALUE;

  private final List<FakeTimer> timers = new ArrayList<>();
  private long nanos;

  FakeClock(long nanos) {
    this.nanos = nanos;
  }

  @Override
  public long nanos() {
    return nanos;
  }

  @Override
  public Timer timer(Runnable expired) {
    FakeTimer timer = new FakeTimer(expired);
    timers.add(timer);
    return timer;
  }

  /** Lets time pass, firing what falls due at its own instant. */
  void advance(long byNanos) {
    long end = nanos + byNanos;
    while (true) {
      FakeTimer next =
          timers.stream().min(Comparator.comparingLong(timer -> timer.deadline)).orElse(null);
      if (next == null || next.deadline > end) {
        break;
      }
      nanos = Math.max(nanos, next.deadline);
      next.deadline = NEVER;
      next.expired.run();
    }
    nanos = end;
  }

  /** How many timers are set. */
  long pending() {
    return timers.stream().filter(timer -> timer.deadline != NEVER).count();
  }

  private static final class FakeTimer implements Timer {
    private final Runnable expired;
    private long deadline = NEVER;

    FakeTimer(Runnable expired) {
      this.expired = expired;
    }

    @Override
    public void set(long deadlineNanos) {
      deadline = deadlineNanos;
    }

    @Override
    public void cancel() {
      deadline = NEVER;
    }
  }
}
