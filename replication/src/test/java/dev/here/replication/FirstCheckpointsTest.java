package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FirstCheckpointsTest {
  private static final long MILLI = 1_000_000;

  private final FirstCheckpoints first = new FirstCheckpoints();

  private boolean areOverAfter(long intervalMillis, long commitMillis) {
    first.committed(intervalMillis * MILLI, commitMillis * MILLI);
    return first.areOver();
  }

  @Test
  void theyAreWaitedForWhileTheyGetShorter() {
    assertThat(first.areOver()).isFalse();
    assertThat(areOverAfter(500, 290)).isFalse();
    assertThat(areOverAfter(90, 20)).isFalse();
    assertThat(areOverAfter(60, 20)).isFalse();
    assertThat(areOverAfter(42, 19)).isFalse();
    assertThat(areOverAfter(40, 18)).isTrue();
  }

  @Test
  void slowOnesAreWaitedFor() {
    assertThat(areOverAfter(100, 3000)).isFalse();
    assertThat(areOverAfter(100, 3100)).isFalse();
    assertThat(areOverAfter(3000, 310)).isFalse();
    assertThat(areOverAfter(3000, 290)).isTrue();
  }

  @Test
  void longIntervalsAreNotWaitedFor() {
    assertThat(areOverAfter(60_000, 20)).isTrue();
  }

  @Test
  void butNotForEver() {
    for (int commit = 0; commit < 9; commit++) {
      assertThat(areOverAfter(100, 3000)).isFalse();
    }
    assertThat(areOverAfter(100, 3000)).isTrue();
  }
}
