package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.here.bench.Figure;
import dev.here.lab.PageFigures;
import dev.here.lab.StreamFigures;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class LabTrafficBenchTest {
  private static final MeanEpoch EPOCH = new MeanEpoch(300, 40, 100, 5, 12);

  private static StreamFigures stream(double seconds, long offered, long sendBuffer) {
    return new StreamFigures(
        1_000_000,
        seconds,
        1,
        0,
        "cubic",
        Map.of(),
        List.of(
            Map.of("snd_wnd", 65_000L, "sndbuf", 87_000L),
            Map.of("snd_wnd", offered, "sndbuf", sendBuffer)));
  }

  @Test
  void aStreamIsMeasuredAgainstTheSmallerBufferAnEpochAndCommit() {
    var streams =
        List.of(
            new LabTrafficBench.ProtectedStream(stream(2, 400_000, 1_000_000), EPOCH),
            new LabTrafficBench.ProtectedStream(stream(1, 900_000, 800_000), EPOCH),
            new LabTrafficBench.ProtectedStream(stream(8, 900_000, 800_000), EPOCH));

    List<Figure> figures =
        LabTrafficBench.streamFigures(streams, List.of(stream(0.5, 900_000, 4_000_000)));

    // The middle one: 400 kB each 0.4 s.
    assertThat(figures.getFirst())
        .isEqualTo(new Figure("lab.stream", 0.5, "MB/s", 1, 0.5, 0.5, 3, true));
    assertThat(figures.getLast())
        .isEqualTo(new Figure("lab.stream.unprotected", 0.5, "MB/s", 2, 0.25, 0.3333, 3, false));
  }

  @Test
  void halfOfTheSendersBufferCounts() {
    var limited = new LabTrafficBench.ProtectedStream(stream(1, 900_000, 800_000), EPOCH);
    assertThat(limited.windowOctets()).isEqualTo(400_000);
    assertThat(limited.mostOctetsPerSecond()).isEqualTo(1e6, within(1.0));
  }

  @Test
  void aPageIsMeasuredBesideOneBeforeProtection() {
    var none = new PageFigures.Part(0, 0, 0);
    var held = new PageFigures(100, none, none, new PageFigures.Part(600, 1200, 1300));
    var alone = new PageFigures(100, none, none, new PageFigures.Part(10, 50, 60));

    assertThat(LabTrafficBench.pageFigures(held, alone))
        .containsExactly(
            new Figure("lab.page.p50", 600, "ms", 10, 60, 100, 100, true),
            new Figure("lab.page.p99", 1200, "ms", 50, 24, 20, 100, false));
  }

  private static JsonNode protection(boolean safe, int checkpoints, int millis) {
    return JsonMapper.builder()
        .build()
        .readTree(
            """
            {"state": "PROTECTED", "safe": %s, "status": {"checkpoints": %d,
             "intervalNanos": %d000000, "commitNanos": 30000000,
             "pause": {"stopNanos": 1000000, "copyNanos": 2000000}}}
            """
                .formatted(safe, checkpoints, millis));
  }

  @Test
  void timesOfEpochsAreMeansOfWhatTheKeeperTold() {
    MeanEpoch mean = MeanEpoch.mean(List.of(protection(true, 60, 200), protection(true, 67, 300)));
    assertThat(mean).isEqualTo(new MeanEpoch(250, 3, 30, 2, 7));
  }

  @Test
  void aProtectionThatWasNotSafeIsNotMeasured() {
    assertThatThrownBy(
            () -> MeanEpoch.mean(List.of(protection(true, 60, 200), protection(false, 61, 200))))
        .isInstanceOf(HereProgram.Refusal.class)
        .hasMessageContaining("not protected all the time");
  }
}
