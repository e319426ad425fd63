package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class HostApiOverLabTest {
  private static final String OK =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n";

  /** Answers that daemons gave, hosts and paths made neutral. */
  private static JsonNode answer(String name) throws IOException {
    try (InputStream in = HostApiOverLabTest.class.getResourceAsStream(name)) {
      return HostApiOverLab.body(OK + new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  @Test
  void readsAProtection() throws IOException {
    ProtectionView protection =
        ProtectionView.from(answer("status-protected.json").path("protections").get(0));
    assertThat(protection.pauseNanos()).isEqualTo(11_929_097L + 147_076_683 + 1_056_300);
    assertThat(protection.safe()).isTrue();
    assertThat(protection.checkpoints()).isEqualTo(110);
    assertThat(protection.seededPages()).isEqualTo(37_460);
    assertThat(protection.hasEnded()).isFalse();
    assertThat(protection.line())
        .contains("checkpoint 110", "interval 361 ms", "132 dirty pages", "16.2 %");
  }

  @Test
  void readsAReplicaThatTookOver() throws IOException {
    ReplicaView replica =
        ReplicaView.from(answer("status-taken-over.json").path("replicas").get(0));
    assertThat(replica.runs()).isTrue();
    assertThat(replica.failover().orElseThrow().decidedToRunningNanos())
        .isEqualTo(313_913L + 33_780 + 159_822_335);
  }

  @Test
  void aReplicaThatNeverTookOverHasNoTimes() {
    JsonNode body = HostApiOverLab.body(OK + "{\"state\":\"WATCHING\",\"failover\":null}");
    assertThat(ReplicaView.from(body).failover()).isEmpty();
    assertThat(ReplicaView.from(body).runs()).isFalse();
  }

  @Test
  void tellsTheDaemonsRefusal() {
    assertThatThrownBy(() ->
            HostApiOverLab.body(
                "HTTP/1.1 409 Conflict\r\n\r\n{\"error\":\"device vga: use -vga none\"}"))
        .isInstanceOf(HereProgram.Refusal.class)
        .hasMessage("device vga: use -vga none");
  }

  @Test
  void refusesWhatIsNoAnswer() {
    assertThatThrownBy(() -> HostApiOverLab.body("HTTP/1.1 200 OK\r\nContent-"))
        .isInstanceOf(HereProgram.Refusal.class);
    assertThatThrownBy(() -> HostApiOverLab.body("220 mail\r\n\r\n{}"))
        .isInstanceOf(HereProgram.Refusal.class);
  }
}
