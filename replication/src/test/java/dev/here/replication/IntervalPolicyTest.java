package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class IntervalPolicyTest {
  private static final long MILLI = 1_000_000;
  private static final long SECOND = 1_000 * MILLI;
  private static final IntervalSimulator.Costs COSTS =
      new IntervalSimulator.Costs(2 * MILLI, 2_000, 5 * MILLI, 10_000);

  private static BoundedDegradation bounded() {
    return new BoundedDegradation(0.2, 10 * MILLI, 2 * SECOND);
  }

  /** Pages get dirty evenly, up to a working set. */
  private static IntervalSimulator.Load even(double pagesASecond, int workingSet) {
    return (start, interval) -> (int) Math.min(workingSet, pagesASecond * interval / SECOND);
  }

  @Test
  void anIdleGuestIsProtectedAsOftenAsAllowed() {
    var outcome = IntervalSimulator.run(bounded(), (start, interval) -> 0, COSTS, 20 * SECOND);
    assertThat(outcome.epochs().getLast().intervalNanos()).isEqualTo(10 * MILLI);
  }

  @Test
  void aBusyGuestKeepsTheBound() {
    var outcome = IntervalSimulator.run(bounded(), even(30_000, 20_000), COSTS, 60 * SECOND);
    assertThat(outcome.degradation(outcome.epochs().size() / 4)).isBetween(0.05, 0.21);
  }

  @Test
  void theBoundGivesWayToTheLongestInterval() {
    var costs = new IntervalSimulator.Costs(SECOND, 0, 0, 0);
    var outcome = IntervalSimulator.run(bounded(), (start, interval) -> 1, costs, 60 * SECOND);
    assertThat(outcome.epochs().getLast().intervalNanos()).isEqualTo(2 * SECOND);
  }

  @Test
  void aLoadThatComesAndGoesIsFollowed() {
    IntervalSimulator.Load load =
        (start, interval) ->
            start / (10 * SECOND) % 2 == 0 ? 10 : even(50_000, 40_000).dirtyPages(start, interval);
    var outcome = IntervalSimulator.run(bounded(), load, COSTS, 80 * SECOND);
    assertThat(outcome.degradation(0)).isLessThan(0.23);
    assertThat(outcome.epochs()).anyMatch(epoch -> epoch.intervalNanos() == 10 * MILLI);
    assertThat(outcome.epochs()).anyMatch(epoch -> epoch.intervalNanos() > 30 * MILLI);
  }

  @Test
  void oneOutlierDoesNotLeaveTheGuestUnprotectedForLong() {
    BoundedDegradation policy = bounded();
    for (int epoch = 0; epoch < 50; epoch++) {
      policy.measured(new EpochMeasure(policy.nextIntervalNanos(), 3 * MILLI, MILLI, 10));
    }
    long before = policy.nextIntervalNanos();
    policy.measured(new EpochMeasure(before, 900 * MILLI, MILLI, 10));
    assertThat(policy.nextIntervalNanos()).isLessThan(100 * MILLI);
    for (int epoch = 0; epoch < 20; epoch++) {
      policy.measured(new EpochMeasure(policy.nextIntervalNanos(), 3 * MILLI, MILLI, 10));
    }
    assertThat(policy.nextIntervalNanos()).isLessThan(before * 3 / 2);
  }

  @Test
  void longPausesThatStayAreBelieved() {
    BoundedDegradation policy = bounded();
    for (int epoch = 0; epoch < 30; epoch++) {
      policy.measured(new EpochMeasure(policy.nextIntervalNanos(), 3 * MILLI, MILLI, 10));
    }
    for (int epoch = 0; epoch < 30; epoch++) {
      policy.measured(new EpochMeasure(policy.nextIntervalNanos(), 300 * MILLI, MILLI, 10));
    }
    assertThat(policy.nextIntervalNanos()).isGreaterThan(1_100 * MILLI);
  }

  @Test
  void latencyStaysUnderItsBound() {
    var policy = new LatencyBound(100 * MILLI, 5 * MILLI);
    SplittableRandom random = new SplittableRandom(4);
    IntervalSimulator.Load load = (start, interval) -> 500 + random.nextInt(1000);
    var outcome = IntervalSimulator.run(policy, load, COSTS, 20 * SECOND);
    long over =
        outcome.epochs().stream()
            .skip(5)
            .filter(epoch ->
                epoch.intervalNanos() + epoch.pauseNanos() + epoch.commitNanos() > 110 * MILLI)
            .count();
    assertThat(over).isLessThan(outcome.epochs().size() / 10);
  }

  @Test
  void impossibleBoundsAreRefused() {
    assertThatThrownBy(() -> new BoundedDegradation(0, MILLI, SECOND))
        .hasMessageContaining("between 0 and 1");
    assertThatThrownBy(() -> new BoundedDegradation(0.2, SECOND, MILLI))
        .hasMessageContaining("not possible");
    assertThatThrownBy(() -> new FixedInterval(10)).hasMessageContaining("1 ms");
    assertThatThrownBy(() -> new LatencyBound(MILLI, 2 * MILLI)).hasMessageContaining("bound");
  }
}
