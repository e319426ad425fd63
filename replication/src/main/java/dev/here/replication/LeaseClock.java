package dev.here.replication;

/**
 * How long a lease can be relied on: until its length has passed, less a margin for clocks that run
 * unequally fast, since the last successful renewal was sent. Thread-safe.
 */
public final class LeaseClock {
  private final long reliableNanos;
  private volatile long renewedNanos;
  private volatile boolean held;

  /**
   * @param lengthNanos what the third party grants from the moment it hears of a renewal
   * @param driftPercent by how much this host's clock may run slower than the third party's
   */
  public LeaseClock(long lengthNanos, int driftPercent) {
    if (lengthNanos <= 0 || driftPercent < 0 || driftPercent > 50) {
      throw new IllegalArgumentException(
          "a lease of %d ns with %d %% drift cannot be kept".formatted(lengthNanos, driftPercent));
    }
    reliableNanos = lengthNanos - lengthNanos / 100 * driftPercent;
  }

  /**
   * A renewal succeeded that was sent at {@code sentNanos} of the monotonic clock. An answer that
   * comes late cannot bring a lease back that has run out: it has to be confirmed by asking anew.
   */
  public void renewed(long sentNanos) {
    if (!held || sentNanos - renewedNanos > 0) {
      renewedNanos = sentNanos;
    }
    held = true;
  }

  /** The lease was given up or lost. */
  public void ended() {
    held = false;
  }

  /** Whether it can be relied on at {@code nowNanos} of the monotonic clock. */
  public boolean isValid(long nowNanos) {
    return held && nowNanos - renewedNanos < reliableNanos;
  }

  /** Until when it can be relied on; {@code nowNanos} when it cannot any more. */
  public long validUntilNanos(long nowNanos) {
    long untilNanos = renewedNanos + reliableNanos;
    return held && untilNanos - nowNanos > 0 ? untilNanos : nowNanos;
  }
}
