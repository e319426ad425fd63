package dev.here.replication;

/**
 * Protects as often as a bound on degradation allows: D = pause / (pause + T) ≤ Dmax, and never
 * more seldom than Tmax.
 *
 * <p>For a pause p the shortest interval that keeps the bound is p · (1 - D) / D. The pause itself
 * grows with the interval (more pages get dirty), so the policy goes towards that interval step by
 * step, quickly when the bound is broken and slowly when there is room, as Phantasy and HERE do
 * (Middleware 2023, dynamic checkpoint interval). A single pause that is out of all proportion to
 * those before it (a host's hiccup) is counted at most at {@value #OUTLIER_FACTOR} times the
 * expected pause: it must not make the guest unprotected for seconds; when long pauses stay, the
 * expectation follows within a few epochs.
 */
public final class BoundedDegradation implements IntervalPolicy {
  static final int OUTLIER_FACTOR = 4;

  /** Weight of the newest pause in the expectation. */
  private static final double NEWEST = 0.3;

  /** Most that the interval shrinks in one step: the dirty pages of shorter epochs are a guess. */
  private static final double SHRINK = 0.7;

  private final double maxDegradation;
  private final long minIntervalNanos;
  private final long maxIntervalNanos;
  private double expectedPauseNanos = -1;
  private long intervalNanos;

  /**
   * @param maxDegradation Dmax, more than 0 and less than 1
   * @param minIntervalNanos shortest interval, at least 1 ms
   * @param maxIntervalNanos Tmax, at least the shortest
   */
  public BoundedDegradation(double maxDegradation, long minIntervalNanos, long maxIntervalNanos) {
    if (!(maxDegradation > 0 && maxDegradation < 1)) {
      throw new IllegalArgumentException(
          "a degradation of %s is not between 0 and 1".formatted(maxDegradation));
    }
    if (minIntervalNanos < 1_000_000 || maxIntervalNanos < minIntervalNanos) {
      throw new IllegalArgumentException(
          "intervals from %d ns to %d ns are not possible; the shortest is 1 ms"
              .formatted(minIntervalNanos, maxIntervalNanos));
    }
    this.maxDegradation = maxDegradation;
    this.minIntervalNanos = minIntervalNanos;
    this.maxIntervalNanos = maxIntervalNanos;
    this.intervalNanos = minIntervalNanos + (maxIntervalNanos - minIntervalNanos) / 8;
  }

  @Override
  public long nextIntervalNanos() {
    return intervalNanos;
  }

  @Override
  public void measured(EpochMeasure measure) {
    double pause = measure.pauseNanos();
    if (expectedPauseNanos < 0) {
      expectedPauseNanos = pause;
    } else {
      double counted = Math.min(pause, expectedPauseNanos * OUTLIER_FACTOR);
      expectedPauseNanos += NEWEST * (counted - expectedPauseNanos);
    }
    // Whichever is longer decides, so that a rising load is answered at once.
    double decisive =
        Math.max(expectedPauseNanos, Math.min(pause, expectedPauseNanos * OUTLIER_FACTOR));
    double wanted = decisive * (1 - maxDegradation) / maxDegradation;
    double next = Math.max(wanted, intervalNanos * SHRINK);
    intervalNanos = Math.clamp((long) next, minIntervalNanos, maxIntervalNanos);
  }

  @Override
  public String description() {
    return "bounded %.0f %%, at most %d ms"
        .formatted(maxDegradation * 100, maxIntervalNanos / 1_000_000);
  }
}
