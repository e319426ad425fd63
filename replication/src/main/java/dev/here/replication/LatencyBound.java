package dev.here.replication;

/**
 * Bounds what output commit adds to clients' latency: a frame sent at the start of an epoch waits
 * for the interval, the pause and the commit, so T + pause + commit ≤ bound. Never shorter than a
 * given interval, because a guest that is paused all the time answers nobody.
 */
public final class LatencyBound implements IntervalPolicy {
  private static final double NEWEST = 0.3;

  private final long boundNanos;
  private final long minIntervalNanos;
  private double overheadNanos = -1;

  /**
   * @param boundNanos longest time that a frame shall be held
   * @param minIntervalNanos shortest interval, at least 1 ms and less than the bound
   */
  public LatencyBound(long boundNanos, long minIntervalNanos) {
    if (minIntervalNanos < 1_000_000 || boundNanos <= minIntervalNanos) {
      throw new IllegalArgumentException(
          "a bound of %d ns with intervals of %d ns at least is not possible"
              .formatted(boundNanos, minIntervalNanos));
    }
    this.boundNanos = boundNanos;
    this.minIntervalNanos = minIntervalNanos;
  }

  @Override
  public long nextIntervalNanos() {
    long overhead = overheadNanos < 0 ? boundNanos / 2 : (long) overheadNanos;
    return Math.clamp(boundNanos - overhead, minIntervalNanos, boundNanos);
  }

  @Override
  public void measured(EpochMeasure measure) {
    double overhead = (double) measure.pauseNanos() + measure.commitNanos();
    // A rise counts at once, a fall by and by.
    if (overheadNanos < 0 || overhead > overheadNanos) {
      overheadNanos = overhead;
    } else {
      overheadNanos += NEWEST * (overhead - overheadNanos);
    }
  }

  @Override
  public String description() {
    return "latency at most %d ms".formatted(boundNanos / 1_000_000);
  }
}
