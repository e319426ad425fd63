package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class HostApiOverLabTest {
  private static final String OK =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n";

  @Test
  void readsAProtectionAndAReplica() {
    JsonNode body =
        HostApiOverLab.body(
            OK
                + """
                {"protections":[{"name":"demo","state":"PROTECTED","safe":true,"checkpoints":3,
                  "pause":{"stopNanos":1,"dirtyLogNanos":2,"stateNanos":3,"copyNanos":4,"resumeNanos":5},
                  "degradation":0.125,"heldFrames":7}],
                 "replicas":[{"name":"demo","state":"RUNNING","verdict":"GUEST_CRASHED",
                  "failover":{"silenceNanos":1,"acquireNanos":2,"fenceNanos":3,"activateNanos":4}}]}
                """);
    ProtectionView protection = ProtectionView.from(body.path("protections").get(0));
    assertThat(protection.pauseNanos()).isEqualTo(15);
    assertThat(protection.safe()).isTrue();
    assertThat(protection.hasEnded()).isFalse();
    assertThat(protection.line()).contains("checkpoint 3", "12.5 %", "7 frames unreleased");
    ReplicaView replica = ReplicaView.from(body.path("replicas").get(0));
    assertThat(replica.runs()).isTrue();
    assertThat(replica.failover().orElseThrow().decidedToRunningNanos()).isEqualTo(9);
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
