package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class CounterTallyTest {
  private final CounterTally tally = new CounterTally();
  private long now;

  private boolean answer(long count, long number) {
    now += 1_000_000;
    return tally.answer(count + " " + number, now - 1_000_000, now);
  }

  @Test
  void countsAnUndisturbedRun() {
    for (int i = 1; i <= 3000; i++) {
      assertThat(answer(40 + i, i)).isTrue();
    }
    CounterSummary summary = tally.summary("");
    assertThat(summary.requests()).isEqualTo(3000);
    assertThat(summary.lost()).isZero();
    assertThat(summary.repeated()).isZero();
    assertThat(summary.outageMillis()).isEqualTo(1.0);
    assertThat(summary.latencyMillisP99()).isEqualTo(1.0);
    assertThat(summary.connectionKept()).isTrue();
  }

  @Test
  void seesAnEffectThatIsGone() {
    answer(1, 1);
    answer(2, 2);
    answer(1, 3);
    assertThat(tally.summary("").lost()).isEqualTo(2);
  }

  @Test
  void seesARequestThatWasExecutedTwice() {
    answer(1, 1);
    answer(3, 2);
    assertThat(tally.summary("").repeated()).isEqualTo(1);
  }

  @Test
  void seesAnAnswerThatCameTwice() {
    answer(1, 1);
    assertThat(answer(1, 1)).isFalse();
    assertThat(answer(2, 2)).isTrue();
    CounterSummary summary = tally.summary("");
    assertThat(summary.repeated()).isEqualTo(1);
    assertThat(summary.requests()).isEqualTo(2);
  }

  @Test
  void measuresTheLongestGap() {
    answer(1, 1);
    now += 700_000_000L;
    answer(2, 2);
    answer(3, 3);
    assertThat(tally.summary("").outageMillis()).isEqualTo(701.0);
  }

  @Test
  void aMarkForgetsWhatWasAndKeepsTheOpenGap() {
    answer(1, 1);
    now += 900_000_000L;
    answer(2, 2);
    tally.mark();
    now += 300_000_000L;
    answer(3, 3);
    assertThat(tally.summary("").outageMillis()).isEqualTo(301.0);
  }

  @Test
  void followsTheGuestsUptime() {
    tally.uptime("uptime 10.0 10.0", "a", 0);
    tally.uptime("uptime 10.9 10.9", "a", 1_000_000_000L);
    CounterSummary summary = tally.summary("");
    assertThat(summary.guestUptimeContinuous()).isTrue();
    assertThat(summary.uptimeLagMillis()).isBetween(99.0, 101.0);
    tally.uptime("uptime 10.8 10.8", "a", 2_000_000_000L);
    assertThat(tally.summary("").guestUptimeContinuous()).isFalse();
  }

  @Test
  void anotherBootIsNotContinuous() {
    tally.uptime("uptime 10.0 10.0", "a", 0);
    tally.uptime("uptime 11.0 11.0", "b", 1_000_000_000L);
    assertThat(tally.summary("").guestUptimeContinuous()).isFalse();
  }

  @Test
  void refusesOtherAnswers() {
    assertThatThrownBy(() -> tally.answer("error: unknown request", 0, 1))
        .isInstanceOf(LabException.class);
  }

  @Test
  void aFailureMeansTheConnectionWasLost() {
    assertThat(tally.summary("reset").connectionKept()).isFalse();
  }

  @Test
  void anyAnswerEndsAGap() {
    CounterTally tally = new CounterTally();
    tally.answer("1 1", 0, 1_000_000);
    tally.heard(400_000_000);
    tally.heard(700_000_000);
    tally.answer("2 2", 700_000_000, 1_000_000_000);
    assertThat(tally.summary("").outageMillis()).isEqualTo(399.0);
    assertThat(tally.summary("").requests()).isEqualTo(2);
  }
}
