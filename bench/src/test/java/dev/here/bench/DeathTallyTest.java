package dev.here.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.bench.DeathTally.Outcome;
import dev.here.bench.DeathTally.Victim;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DeathTallyTest {
  private static DeathRound.Result result(Victim victim, List<String> problems) {
    return new DeathRound.Result(
        victim, "it happened", Outcome.PROTECTED, problems, new DeathRound.Losses(1, 2), 500, 7);
  }

  @Test
  void aRoundThatWentWrongIsKeptInWordsAndHasNoOutcome() {
    DeathTally tally =
        DeathTally.begin(5)
            .with(result(Victim.KEEPER, List.of()), 10)
            .with(result(Victim.BOTH, List.of("a", "b")), 20);
    assertThat(tally.done()).isEqualTo(2);
    assertThat(tally.deaths()).isEqualTo(Map.of(Victim.KEEPER, 1, Victim.BOTH, 1));
    assertThat(tally.outcomes()).isEqualTo(Map.of(Outcome.PROTECTED, 1));
    assertThat(tally.clean()).isFalse();
    assertThat(tally.bad()).containsExactly("it happened: a; b");
    assertThat(tally.lostAnswers()).isEqualTo(2);
    assertThat(tally.lostRequests()).isEqualTo(4);
    assertThat(tally.summary(9))
        .contains("seed 5: 2 of 9", "1 bad", "gap 500 ms", "slowest 7.0 s", "4.0 a minute");
  }

  @Test
  void whatTheGuestHasAnsweredIsNoLostRequest() {
    SeenAnswers before = new SeenAnswers(100, 102, 5, 0, 0, 0, "");
    SeenAnswers after = new SeenAnswers(200, 203, 12, 0, 0, 0, "");
    assertThat(DeathRound.Losses.of(before, after)).isEqualTo(new DeathRound.Losses(1, 6));
  }
}
