package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.lab.NumberedFrames.Fault;
import dev.here.lab.NumberedFrames.Sighting;
import dev.here.lab.NumberedFrames.Verdict;
import dev.here.lab.NumberedFrames.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class NumberedFramesTest {
  private final List<Sighting> seen = new ArrayList<>();

  private NumberedFramesTest from(String host, long... numbers) {
    for (long number : numbers) {
      seen.add(new Sighting(host, 0, 100, number, "boot", seen.size()));
    }
    return this;
  }

  private Verdict takeOver() {
    return new NumberedFrames(seen).afterTakeOver("a", "b");
  }

  private static Stream<Fault> faults(Verdict verdict) {
    return verdict.violations().stream().map(Violation::fault);
  }

  @Test
  void numbersThatGoOnAreClean() {
    assertThat(from("a", 3, 4, 5).from("b", 6, 7).takeOver())
        .isEqualTo(new Verdict(List.of(), 5, 0));
    assertThat(new NumberedFrames(seen).onOneHost("a").isClean()).isTrue();
  }

  @Test
  void framesThatDiedWithThePrimaryAreCountedAndNoFault() {
    assertThat(from("a", 3, 4).from("b", 8, 9).takeOver()).isEqualTo(new Verdict(List.of(), 4, 3));
  }

  @Test
  void aFrameThatTheStandbysGuestSendsAgainWasNotCommitted() {
    Verdict verdict = from("a", 3, 4, 5, 6).from("b", 5, 6, 7).takeOver();
    assertThat(faults(verdict)).containsExactly(Fault.UNCOMMITTED);
    assertThat(verdict.violations().getFirst().text())
        .contains("2 frames of a", "[5, 6]", "the standby began with 5");
    assertThat(verdict.lost()).isZero();
  }

  @Test
  void anUncommittedFrameIsFoundWhenItComesAfterTheTakeOver() {
    assertThat(faults(from("a", 3, 4).from("b", 5, 6).from("a", 5).takeOver()))
        .containsExactly(Fault.UNCOMMITTED);
  }

  @Test
  void aCommittedFrameThatIsMissingBetweenOthersIsAFault() {
    assertThat(faults(from("a", 3, 5).from("b", 6, 7, 9).takeOver()))
        .containsExactly(Fault.MISSING, Fault.MISSING);
    assertThat(faults(new NumberedFrames(seen).onOneHost("a"))).containsExactly(Fault.MISSING);
  }

  @Test
  void aRepeatedFrameIsAFault() {
    assertThat(faults(from("a", 3, 4, 4, 5).from("b", 6).takeOver()))
        .containsExactly(Fault.REPEATED);
  }

  @Test
  void framesOfOneHostComeInTheirOrder() {
    assertThat(faults(from("a", 3, 5, 4, 6).from("b", 7).takeOver()))
        .containsExactly(Fault.OUT_OF_ORDER);
  }

  @Test
  void aSilentHostIsNoProof() {
    assertThat(faults(from("a", 3, 4).takeOver())).containsExactly(Fault.SILENT);
    seen.clear();
    assertThat(faults(from("b", 3, 4).takeOver())).containsExactly(Fault.SILENT);
    seen.clear();
    assertThat(faults(takeOver())).containsExactly(Fault.SILENT, Fault.SILENT);
  }

  @Test
  void aGuestThatWasStartedAnewIsAFault() {
    from("a", 3, 4);
    seen.add(new Sighting("b", 0, 100, 5, "other", 9));
    assertThat(faults(takeOver())).containsExactly(Fault.OTHER_BOOT);
  }

  @Test
  void aLongListOfNumbersIsCutShort() {
    Verdict verdict = from("a", 1, 20).takeOver();
    assertThat(verdict.violations().getFirst().text())
        .isEqualTo("18 frames of a are missing, the first [2, 3, 4, 5, 6]; seen were 1 to 20");
  }
}
