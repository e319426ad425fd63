package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApiSocketTest {
  @TempDir Path folder;

  @Test
  void answersAndRefusesInJson() {
    Path path = folder.resolve("api.sock");
    JsonApi api =
        new JsonApi()
            .on("GET", "/v1/status", (at, body) -> Map.of("host", "a"))
            .on(
                "POST",
                "/v1/vms/([a-z]+)",
                (at, body) -> Map.of("vm", at.group(1), "to", body.path("to").asString("")))
            .on(
                "DELETE",
                "/v1/vms/([a-z]+)",
                (at, body) -> {
                  throw new HostException("vm " + at.group(1) + " is not protected");
                });
    try (ApiSocket socket = new ApiSocket(path, api)) {
      ApiClient client = new ApiClient(path);
      assertThat(client.get("/v1/status").path("host").asString("")).isEqualTo("a");
      assertThat(
              client.post("/v1/vms/web", Map.of("to", "b".repeat(100_000))).path("to").asString(""))
          .hasSize(100_000);
      assertThatThrownBy(() -> client.delete("/v1/vms/web"))
          .isInstanceOf(HostException.class)
          .hasMessage("vm web is not protected");
      assertThatThrownBy(() -> client.get("/nothing")).hasMessageContaining("no such thing");
    }
    assertThat(Files.exists(path)).isFalse();
  }

  @Test
  void aSilentDaemonIsNotWaitedForLongerThanTheLimit() throws IOException {
    Path path = folder.resolve("silent.sock");
    try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      silent.bind(UnixDomainSocketAddress.of(path));
      assertThatThrownBy(() -> new ApiClient(path, Duration.ofMillis(50)).get("/v1/status"))
          .isInstanceOf(ApiClient.SilentException.class)
          .hasMessageContaining("did not answer GET /v1/status within 50 ms");
    }
  }

  @Test
  void aMissingDaemonIsNamed() {
    assertThatThrownBy(() -> new ApiClient(folder.resolve("none.sock")).get("/v1/status"))
        .isInstanceOf(HostException.class)
        .hasMessageContaining("none.sock")
        .hasMessageContaining("here hered");
  }
}
