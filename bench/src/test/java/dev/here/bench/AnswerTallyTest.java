package dev.here.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AnswerTallyTest {
  private static final long MILLI = 1_000_000;

  private final AnswerTally tally = new AnswerTally(0);

  private void send(int requests) {
    for (int at = 0; at < requests; at++) {
      tally.nextSequence();
    }
  }

  @Test
  void answersThatRiseAreClean() {
    send(3);
    tally.answer(1, 1, 5, 10 * MILLI);
    tally.answer(2, 2, 5, 20 * MILLI);
    tally.answer(3, 3, 6, 70 * MILLI);
    assertThat(tally.seen(80 * MILLI)).isEqualTo(new SeenAnswers(3, 3, 0, 50 * MILLI, 0, 0, ""));
    assertThat(tally.seen(80 * MILLI).isClean()).isTrue();
  }

  @Test
  void theGapThatIsOpenCounts() {
    send(1);
    tally.answer(1, 1, 1, 10 * MILLI);
    assertThat(tally.seen(900 * MILLI).longestGapNanos()).isEqualTo(890 * MILLI);
  }

  @Test
  void aMarkForgetsEarlierGapsButNotTheOpenOne() {
    send(3);
    tally.answer(1, 1, 1, 500 * MILLI);
    tally.mark();
    tally.answer(2, 2, 1, 540 * MILLI);
    tally.answer(3, 3, 1, 550 * MILLI);
    assertThat(tally.seen(550 * MILLI).longestGapNanos()).isEqualTo(40 * MILLI);
  }

  @Test
  void requestsWithoutAnswerAreLostOnceALaterOneIsAnswered() {
    send(5);
    tally.answer(1, 1, 1, MILLI);
    assertThat(tally.seen(MILLI).lost()).isZero();
    tally.answer(4, 2, 1, MILLI);
    assertThat(tally.seen(MILLI).lost()).isEqualTo(2);
    assertThat(tally.unanswered(0)).containsExactly(2, 3);
    assertThat(tally.unanswered(2)).containsExactly(3);
    assertThat(tally.sent()).isEqualTo(5);
  }

  @Test
  void aCountThatStandsOrGoesBackWasUndone() {
    send(4);
    tally.answer(1, 10, 7, MILLI);
    tally.answer(2, 10, 7, MILLI);
    tally.answer(3, 9, 7, MILLI);
    tally.answer(4, 11, 6, MILLI);
    SeenAnswers seen = tally.seen(MILLI);
    assertThat(seen.wentBack()).isEqualTo(3);
    assertThat(seen.isClean()).isFalse();
    assertThat(seen.firstFault()).contains("counts 10 at tick 7 after 10 at tick 7");
  }

  @Test
  void anAnswerToNoOpenRequestIsRepeated() {
    send(2);
    tally.answer(1, 1, 1, MILLI);
    tally.answer(1, 2, 1, MILLI);
    tally.answer(3, 3, 1, MILLI);
    tally.answer(0, 4, 1, MILLI);
    SeenAnswers seen = tally.seen(MILLI);
    assertThat(seen.repeated()).isEqualTo(3);
    assertThat(seen.answers()).isEqualTo(1);
    assertThat(seen.isClean()).isFalse();
  }
}
