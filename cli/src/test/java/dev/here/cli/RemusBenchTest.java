package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.bench.Figure;
import java.util.List;
import org.junit.jupiter.api.Test;

class RemusBenchTest {
  @Test
  void readsWhatTheGuestSaw() {
    assertThat(RemusBench.Window.parse("gaps 30.000 60 101500 250000 3000000"))
        .isEqualTo(new RemusBench.Window(30, 60, 101.5, 250, 100_000));
    assertThatThrownBy(() -> RemusBench.Window.parse("error: unknown request"))
        .isInstanceOf(HereProgram.Refusal.class)
        .hasMessageContaining("unknown request");
  }

  @Test
  void comparesPausesRatesProgressAndOctets() {
    var alone = new RemusBench.Window(30, 0, 0, 0, 200_000);
    var here =
        new RemusBench.Result(new RemusBench.Window(30, 90, 50, 100, 150_000), 90, 9_000_000);
    var remus =
        new RemusBench.Result(new RemusBench.Window(30, 60, 400, 500, 100_000), 60, 60_000_000);
    List<Figure> figures = RemusBench.figures(alone, here, remus);
    assertThat(figures.stream().map(Figure::name))
        .containsExactly(
            "remus.pause.mean",
            "remus.pause.p99",
            "remus.checkpoints",
            "remus.progress",
            "remus.bytes");
    assertThat(figures.stream().map(Figure::ratio)).containsExactly(0.125, 0.2, 1.5, 1.5, 0.1);
    assertThat(figures).allMatch(Figure::met);
  }
}
