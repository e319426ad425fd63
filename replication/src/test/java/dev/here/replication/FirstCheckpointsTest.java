package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FirstCheckpointsTest {
  private static final long MILLI = 1_000_000;

  private final FirstCheckpoints first = new FirstCheckpoints();

  @Test
  void oneIsEnoughWhereItIsQuick() {
    assertThat(first.areOver()).isFalse();
    first.committed(20 * MILLI);
    assertThat(first.areOver()).isTrue();
  }

  @Test
  void slowOnesAreWaitedFor() {
    first.committed(3000 * MILLI);
    first.committed(900 * MILLI);
    assertThat(first.areOver()).isFalse();
    first.committed(400 * MILLI);
    assertThat(first.areOver()).isFalse();
    first.committed(200 * MILLI);
    assertThat(first.areOver()).isTrue();
  }

  @Test
  void butNotForEver() {
    for (int commit = 0; commit < 9; commit++) {
      first.committed(3000 * MILLI);
      assertThat(first.areOver()).isFalse();
    }
    first.committed(3000 * MILLI);
    assertThat(first.areOver()).isTrue();
  }
}
