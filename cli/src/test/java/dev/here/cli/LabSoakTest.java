package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LabSoakTest {
  @Test
  void countsGoodFailoversByTheirFaultAndKeepsWhatWentWrong() {
    LabSoak.Tally tally =
        new LabSoak.Tally(Map.of(), List.of(), 0)
            .with(Attack.KILL, List.of(), 100)
            .with(Attack.HANG, List.of(), 100)
            .with(Attack.KILL, List.of(), 100)
            .with(Attack.CRASH, List.of("2 requests lost", "the clock went back"), 50);
    assertThat(tally.done()).isEqualTo(Map.of("kill", 2, "hang", 1));
    assertThat(tally.total()).isEqualTo(3);
    assertThat(tally.bad()).containsExactly("crash: 2 requests lost; the clock went back");
    assertThat(tally.seconds()).isEqualTo(350);
  }

  @Test
  void aRunThatHasEndedIsNotGoneOn() {
    LabSoak.Tally tally =
        new LabSoak.Tally(Map.of(), List.of(), 0)
            .with(Attack.KILL, List.of(), 100)
            .with(Attack.HANG, List.of(), 100);
    assertThat(tally.isOpen(3)).isTrue();
    assertThat(tally.isOpen(2)).isFalse();
    assertThat(tally.with(Attack.KILL, List.of("1 request lost"), 100).isOpen(3)).isFalse();
  }
}
