package dev.here.lab;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** How programs in the rack read what the guest's service says. */
class GuestFiguresTest {
  @Test
  void aStreamsLinesBecomeFigures() throws IOException {
    StreamFigures figures =
        GuestThroughput.figures(
            4_000_000,
            2,
            3,
            65536,
            List.of(
                "stream time=10 cwnd=10 pacing_rate=18446744073709551615",
                "stream time=20 cwnd=44 pacing_rate=7",
                "end congestion_control=cubic TCPTimeouts=1"));
    assertThat(figures.octetsPerSecond()).isEqualTo(2e6);
    assertThat(figures.largest("cwnd")).isEqualTo(44);
    assertThat(figures.samples().getFirst()).containsEntry("pacing_rate", -1L);
    assertThat(figures.congestionControl()).isEqualTo("cubic");
    assertThat(figures.events()).containsOnlyKeys("TCPTimeouts");
  }

  @Test
  void aStreamWithoutItsEndIsRefused() {
    assertThatThrownBy(() -> GuestThroughput.figures(1, 1, 1, 1, List.of("stream time=10 cwnd=10")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("to the end");
  }

  @Test
  void percentilesAreOfTheNearestRank() {
    long[] nanos = LongStream.rangeClosed(1, 200).map(i -> i * 1_000_000).toArray();
    assertThat(PageLatency.part(nanos)).isEqualTo(new PageFigures.Part(100, 198, 200));
    assertThat(PageLatency.part(new long[] {5_000_000})).isEqualTo(new PageFigures.Part(5, 5, 5));
  }

  private static MemorySegment frame(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    MemorySegment frame = MemorySegment.ofArray(new byte[42 + bytes.length]);
    MemorySegment.copy(bytes, 0, frame, JAVA_BYTE, 42, bytes.length);
    return frame;
  }

  @Test
  void aNumberedFrameIsKnownByItsText() {
    assertThat(NumberSniffer.NumberText.in(frame("here-number 1 4711 0a-f\n\0\0")))
        .contains(new NumberSniffer.NumberText(1, 4711, "0a-f"));
    for (String other :
        List.of("", "here-number", "here-number 1 x 0a", "here-number 1 99999999999999999999 0a")) {
      assertThat(NumberSniffer.NumberText.in(frame(other))).isEmpty();
    }
    assertThat(NumberSniffer.NumberText.in(MemorySegment.ofArray(new byte[14]))).isEmpty();
  }

  @Test
  void aCardIsAstrayOutsideItsNetworkAndVlan() {
    LabCard data = LabGuest.twoCards(1).cards().get(0);
    LabCard trunk = LabGuest.twoCards(1).cards().get(1);
    assertThat(seen("data", data.mac(), 0).isAstray(data)).isFalse();
    assertThat(seen("data", data.mac(), 100).isAstray(data)).isTrue();
    assertThat(seen("vlan", data.mac(), 100).isAstray(data)).isTrue();
    assertThat(seen("vlan", trunk.mac(), 100).isAstray(trunk)).isFalse();
    assertThat(seen("vlan", trunk.mac(), 0).isAstray(trunk)).isTrue();
    assertThat(seen("vlan", trunk.mac(), 200).isAstray(trunk)).isTrue();
    assertThat(seen("vlan", "other", 0).isAstray(trunk)).isFalse();
  }

  private static NumberWatch.Traffic seen(String network, String mac, int vlan) {
    return new NumberWatch.Traffic("kvm-a", network, mac, vlan, 1);
  }
}
