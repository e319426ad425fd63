package dev.here.replication;

import java.util.Arrays;

/**
 * The last pauses, for mean and percentiles. Keeps {@value #LENGTH} pauses in a ring; recording
 * allocates nothing. Thread-safe.
 */
public final class PauseHistory {
  /** Pauses kept. */
  public static final int LENGTH = 1024;

  private final long[] pausesNanos = new long[LENGTH];
  private long recorded;

  /** Adds one pause, nanoseconds. */
  public synchronized void record(long pauseNanos) {
    pausesNanos[(int) (recorded++ % LENGTH)] = pauseNanos;
  }

  /** Pauses recorded ever. */
  public synchronized long count() {
    return recorded;
  }

  /** Mean of the pauses kept, 0 without any. */
  public synchronized long meanNanos() {
    int kept = (int) Math.min(recorded, LENGTH);
    long sum = 0;
    for (int at = 0; at < kept; at++) {
      sum += pausesNanos[at];
    }
    return kept == 0 ? 0 : sum / kept;
  }

  /**
   * The pause that {@code percent} of those kept do not exceed (nearest rank), 0 without any.
   *
   * @param percent more than 0, at most 100
   */
  public synchronized long percentileNanos(double percent) {
    int kept = (int) Math.min(recorded, LENGTH);
    if (kept == 0) {
      return 0;
    }
    long[] sorted = Arrays.copyOf(pausesNanos, kept);
    Arrays.sort(sorted);
    int rank = (int) Math.ceil(percent / 100 * kept);
    return sorted[Math.clamp(rank, 1, kept) - 1];
  }
}
