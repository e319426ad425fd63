package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.ffi.TrafficControl.Discipline;
import org.junit.jupiter.api.Test;

class PlugTallyTest {
  private final PlugTally tally = new PlugTally();

  private static Discipline queue(long sentBytes, int waitingBytes) {
    return new Discipline("plug", waitingBytes / 100, waitingBytes, 0, sentBytes, 0);
  }

  private void bounded(boolean wasOpen, long sentBytes, int waitingBytes) {
    Discipline queue = queue(sentBytes, waitingBytes);
    tally.bounded(wasOpen, queue, queue, queue);
  }

  @Test
  void aLotMayBeReleasedWhenTheOneBeforeHasLeft() {
    bounded(true, 5_000, 0);
    assertThat(tally.mayRelease(queue(5_000, 700))).isTrue();
    tally.released();
    bounded(false, 5_000, 700);
    assertThat(tally.mayRelease(queue(5_000, 900))).isTrue();
    tally.released();
    bounded(false, 5_300, 600);
    assertThat(tally.mayRelease(queue(5_300, 600))).isFalse();
    assertThat(tally.hasLeft(queue(5_600, 300))).isFalse();
    assertThat(tally.mayRelease(queue(5_700, 200))).isTrue();
  }

  @Test
  void aPlugThatLetsNothingGoIsToldAgain() {
    bounded(true, 0, 0);
    tally.released();
    bounded(false, 0, 700);
    tally.released();
    bounded(false, 0, 900);
    assertThat(tally.mayRelease(queue(100, 800))).isFalse();
    assertThat(tally.mayRelease(queue(200, 700))).isFalse();
    assertThat(tally.mayRelease(queue(200, 700))).isTrue();
  }

  @Test
  void moreThanWasReleasedIsALeak() {
    bounded(true, 5_000, 0);
    tally.released();
    bounded(false, 5_000, 700);
    assertThatThrownBy(() -> tally.mayRelease(queue(5_100, 600)))
        .isInstanceOf(GateException.class)
        .hasMessageContaining("100 octets more");
  }

  @Test
  void framesThatWereTakenOutAreMissed() {
    bounded(true, 5_000, 0);
    tally.released();
    bounded(false, 5_000, 700);
    assertThatThrownBy(() -> bounded(false, 5_000, 100))
        .isInstanceOf(GateException.class)
        .hasMessageContaining("600 octets");
  }

  @Test
  void framesThatLeaveBetweenTwoLooksAreNoLossAndNoLeak() {
    bounded(true, 5_000, 0);
    tally.released();
    bounded(false, 5_000, 700);
    tally.released();
    // Of 700 octets 300 left while the kernel was asked: 100 are in neither number.
    tally.bounded(false, queue(5_000, 600), queue(5_200, 400), queue(5_300, 400));
    assertThat(tally.mayRelease(queue(5_700, 0))).isTrue();
    tally.released();
    bounded(false, 5_700, 100);
  }

  @Test
  void framesThatAreNotCountedFailTheFirstBoundary() {
    assertThatThrownBy(() -> bounded(true, 5_000, 100))
        .isInstanceOf(GateException.class)
        .hasMessageContaining("1 frames");
  }
}
