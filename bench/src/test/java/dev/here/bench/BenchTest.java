package dev.here.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.kvm.Kvm;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class BenchTest {
  @Test
  void aNameOrItsBeginningChoosesFigures() {
    assertThat(Bench.chosen(List.of())).containsExactlyElementsOf(Bench.names());
    assertThat(Bench.chosen(List.of("pause")))
        .containsExactly("pause.staged.200", "pause.staged.2000", "pause.staged.20000");
    assertThat(Bench.chosen(List.of("pause.staged.200"))).containsExactly("pause.staged.200");
    assertThatThrownBy(() -> Bench.chosen(List.of("paus")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("paus")
        .hasMessageContaining("seeding.throughput");
  }

  @Test
  void aFigureIsJudgedByItsRatio() {
    Figure less = Figure.atMost("a", 2.00004, "ms", 1, 2.1, 3);
    assertThat(less).isEqualTo(new Figure("a", 2, "ms", 1, 2, 2.1, 3, true));
    assertThat(Figure.atMost("a", 2.2, "ms", 1, 2.1, 3).met()).isFalse();
    assertThat(Figure.atLeast("b", 70, "MB/s", 100, 0.8, 3).met()).isFalse();
    assertThat(Figure.atLeast("b", 80, "MB/s", 100, 0.8, 3).met()).isTrue();
  }

  @Test
  void theMedianIsInTheMiddle() {
    assertThat(Figure.median(new double[] {9, 1, 2})).isEqualTo(2);
    assertThat(Figure.median(new double[] {9, 1, 2, 4})).isEqualTo(3);
  }

  @Test
  @Timeout(300)
  void oneMeasurementRunsOverTheRealWay(@TempDir Path folder) throws Exception {
    Optional<String> reason = Kvm.unavailable();
    Assumptions.assumeTrue(reason.isEmpty(), () -> "no KVM here: " + reason.orElse(""));
    List<Figure> figures = new ArrayList<>();
    Bench.run(Set.of("wire.bytes"), folder, words -> List.of(words), figures::add);
    assertThat(figures)
        .singleElement()
        .satisfies(figure -> {
          assertThat(figure.name()).isEqualTo("wire.bytes");
          // Octets are counted, not timed: a word in each cache line costs that word and a little
          // more.
          assertThat(figure.ratio()).isBetween(0.125, 1.0 / 3);
          assertThat(figure.met()).isTrue();
        });
  }
}
