package dev.here.replication;

/** The same interval always. */
public final class FixedInterval implements IntervalPolicy {
  private final long intervalNanos;

  /** {@code intervalNanos}: 1 ms to 60 s. */
  public FixedInterval(long intervalNanos) {
    if (intervalNanos < 1_000_000L || intervalNanos > 60_000_000_000L) {
      throw new IllegalArgumentException(
          "an interval of %d ns is not between 1 ms and 60 s".formatted(intervalNanos));
    }
    this.intervalNanos = intervalNanos;
  }

  @Override
  public long nextIntervalNanos() {
    return intervalNanos;
  }

  @Override
  public void measured(EpochMeasure measure) {
    // The interval depends on nothing.
  }

  @Override
  public String description() {
    return "fixed %d ms".formatted(intervalNanos / 1_000_000);
  }
}
