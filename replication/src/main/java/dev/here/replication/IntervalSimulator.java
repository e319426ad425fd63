package dev.here.replication;

import java.util.ArrayList;
import java.util.List;

/** Runs an interval policy against a load that is only a formula, in no time. */
public final class IntervalSimulator {
  private IntervalSimulator() {}

  /** A guest's load as a checkpoint sees it. */
  @FunctionalInterface
  public interface Load {
    /**
     * Pages that are dirty after the guest ran from {@code startNanos} for {@code intervalNanos} of
     * simulated time.
     */
    int dirtyPages(long startNanos, long intervalNanos);
  }

  /**
   * What checkpoints cost.
   *
   * @param fixedNanos pause without a dirty page
   * @param pageNanos pause a dirty page
   * @param commitFixedNanos commit without a dirty page
   * @param commitPageNanos commit a dirty page
   */
  public record Costs(
      long fixedNanos, long pageNanos, long commitFixedNanos, long commitPageNanos) {}

  /**
   * What came of a simulation.
   *
   * @param epochs in their order
   */
  public record Outcome(List<EpochMeasure> epochs) {
    public Outcome {
      epochs = List.copyOf(epochs);
    }

    /** The part of time in which the guest stood still, over all epochs from {@code first} on. */
    public double degradation(int first) {
      long paused = 0;
      long ran = 0;
      for (EpochMeasure epoch : epochs.subList(first, epochs.size())) {
        paused += epoch.pauseNanos();
        ran += epoch.intervalNanos();
      }
      return (double) paused / (paused + ran);
    }
  }

  /** Lets {@code policy} protect {@code load} for {@code durationNanos} of simulated time. */
  public static Outcome run(IntervalPolicy policy, Load load, Costs costs, long durationNanos) {
    List<EpochMeasure> epochs = new ArrayList<>();
    long now = 0;
    while (now < durationNanos) {
      long interval = policy.nextIntervalNanos();
      int dirty = load.dirtyPages(now, interval);
      long pause = costs.fixedNanos() + dirty * costs.pageNanos();
      long commit = costs.commitFixedNanos() + dirty * costs.commitPageNanos();
      EpochMeasure measure = new EpochMeasure(interval, pause, commit, dirty);
      policy.measured(measure);
      epochs.add(measure);
      now += interval + pause;
    }
    return new Outcome(epochs);
  }
}
