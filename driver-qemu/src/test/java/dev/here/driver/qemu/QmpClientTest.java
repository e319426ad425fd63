package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QmpClientTest {
  private static final Duration LONG = Duration.ofSeconds(10);
  private static final Duration SHORT = Duration.ofMillis(100);

  @TempDir Path folder;

  private Path socket() {
    return folder.resolve("qmp");
  }

  @Test
  void negotiatesAndExecutes() throws IOException {
    try (var fake = new ScriptedMonitor(socket());
        var qmp = QmpClient.connect(socket(), LONG)) {
      fake.answer("query-status", "{\"status\": \"running\"}");
      assertThat(qmp.version().name()).isEqualTo("qemu-7.2.22");
      assertThat(qmp.execute("query-status", LONG).path("status").asString(""))
          .isEqualTo("running");
      assertThat(fake.commands).containsExactly("qmp_capabilities", "query-status");
    }
  }

  @Test
  void passesArgumentsAndQemusErrors() throws IOException {
    try (var fake = new ScriptedMonitor(socket());
        var qmp = QmpClient.connect(socket(), LONG)) {
      fake.refuse("qom-get", "DeviceNotFound", "no such thing");
      assertThatExceptionOfType(QmpErrorException.class)
          .isThrownBy(() -> qmp.execute("qom-get", Map.of("path", "/x"), LONG))
          .withMessage("QEMU refused qom-get: no such thing (DeviceNotFound)")
          .satisfies(e -> assertThat(e.errorClass()).isEqualTo("DeviceNotFound"));
    }
  }

  @Test
  void aSilentCommandTimesOutAndTheNextOneWorks() throws IOException {
    try (var fake = new ScriptedMonitor(socket());
        var qmp = QmpClient.connect(socket(), LONG)) {
      fake.silent("stop");
      fake.answer("cont", "{}");
      assertThatThrownBy(() -> qmp.execute("stop", SHORT))
          .isInstanceOf(QemuSilentException.class)
          .hasMessageContaining("did not answer stop within 100 ms");
      assertThat(qmp.execute("cont", LONG).isObject()).isTrue();
    }
  }

  @Test
  void aLateAnswerIsNotTakenForAnother() throws IOException {
    try (var fake = new ScriptedMonitor(socket());
        var qmp = QmpClient.connect(socket(), LONG)) {
      fake.silent("query-a");
      assertThatThrownBy(() -> qmp.execute("query-a", SHORT))
          .isInstanceOf(QemuSilentException.class);
      fake.send("{\"return\": \"late\", \"id\": 2}\n");
      fake.answer("query-b", "\"right\"");
      assertThat(qmp.execute("query-b", LONG).asString("")).isEqualTo("right");
    }
  }

  @Test
  void endOfStreamFailsWaitingAndLaterCommands() throws IOException {
    try (var fake = new ScriptedMonitor(socket());
        var qmp = QmpClient.connect(socket(), LONG)) {
      fake.answers.put(
          "quit",
          request -> {
            try {
              fake.hangUp();
            } catch (IOException e) {
              throw new IllegalStateException(e);
            }
            return java.util.Optional.empty();
          });
      assertThatThrownBy(() -> qmp.execute("quit", LONG))
          .isInstanceOf(HypervisorGoneException.class)
          .hasMessageContaining("closed its QMP connection");
      assertThatThrownBy(() -> qmp.execute("query-status", LONG))
          .isInstanceOf(HypervisorGoneException.class);
      assertThat(qmp.ended()).isPresent();
    }
  }

  @Test
  void eventsReachListenersEvenWhenOneFails() throws Exception {
    try (var fake = new ScriptedMonitor(socket());
        var qmp = QmpClient.connect(socket(), LONG)) {
      var seen = new CompletableFuture<QmpEvent>();
      qmp.listen(event -> {
        throw new IllegalStateException("a listener's own fault");
      });
      qmp.listen(seen::complete);
      fake.send("{\"timestamp\": {\"seconds\": 5, \"microseconds\": 7}, \"event\": \"STOP\"}\r\n");
      QmpEvent event = seen.get(10, TimeUnit.SECONDS);
      assertThat(event.name()).isEqualTo("STOP");
      assertThat(event.realtimeNanos()).isEqualTo(5_000_007_000L);
      assertThat(event.data().isObject()).isTrue();
    }
  }

  @Test
  void nobodyListening() {
    assertThatThrownBy(() -> QmpClient.connect(socket(), LONG))
        .isInstanceOf(HypervisorGoneException.class)
        .hasMessageContaining("-qmp unix:");
  }

  @Test
  void aSecondClientIsToldThatTheSocketIsBusy() throws IOException {
    try (var fake = new ScriptedMonitor(socket());
        var first = QmpClient.connect(socket(), LONG)) {
      assertThatThrownBy(() -> QmpClient.connect(socket(), SHORT))
          .isInstanceOf(QemuSilentException.class)
          .hasMessageContaining("another client holds the socket");
      fake.answer("query-status", "1");
      assertThat(first.execute("query-status", LONG).asInt(0)).isEqualTo(1);
    }
  }

  @Test
  void aHungQemuIsToldFromABusySocket() throws IOException {
    try (var server =
        java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
      server.bind(java.net.UnixDomainSocketAddress.of(socket()));
      assertThatThrownBy(() -> QmpClient.connect(socket(), SHORT))
          .isInstanceOf(QemuSilentException.class)
          .hasMessageContaining("QEMU hangs");
    }
  }

  @Test
  void garbageEndsTheConnectionWithItsReason() throws IOException {
    try (var fake = new ScriptedMonitor(socket(), "HTTP/1.1 400 Bad Request\r\n")) {
      assertThatThrownBy(() -> QmpClient.connect(socket(), LONG))
          .isInstanceOf(HypervisorException.class)
          .hasMessageContaining("is it a QMP socket?");
      assertThat(fake.commands).isEmpty();
    }
  }

  @Test
  void malformedJsonEndsTheConnection() throws IOException {
    try (var fake = new ScriptedMonitor(socket());
        var qmp = QmpClient.connect(socket(), LONG)) {
      fake.answers.put("query-status", request -> java.util.Optional.of("{\"return\": nonsense}"));
      assertThatThrownBy(() -> qmp.execute("query-status", LONG))
          .isInstanceOf(HypervisorGoneException.class);
    }
  }

  @Test
  void framingDoesNotDependOnHowOctetsArrive() {
    List<String> messages =
        List.of("{}", "{\"a\": \"}{\\\"\"}", "{\n  \"b\": {\"c\": [1, {}]}\n}", "{\"d\\\\\": 1}");
    byte[] stream = String.join("\r\n", messages).getBytes(StandardCharsets.UTF_8);
    for (long seed = 0; seed < 200; seed++) {
      var random = new SplittableRandom(seed);
      var framer = new JsonFramer();
      var found = new java.util.ArrayList<String>();
      for (int at = 0; at < stream.length; ) {
        int count = Math.min(stream.length - at, 1 + random.nextInt(7));
        ByteBuffer part = ByteBuffer.wrap(stream, at, count);
        for (var octets = framer.next(part); octets.isPresent(); octets = framer.next(part)) {
          found.add(new String(octets.get(), StandardCharsets.UTF_8));
        }
        at += count;
      }
      assertThat(found).as("seed %d", seed).isEqualTo(messages);
    }
  }

  @Test
  void anEndlessMessageIsRefused() {
    var framer = new JsonFramer();
    byte[] chunk = " ".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
    framer.next(ByteBuffer.wrap("{".getBytes(StandardCharsets.UTF_8)));
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 17; i++) {
                framer.next(ByteBuffer.wrap(chunk));
              }
            })
        .hasMessageContaining("more than 16777216 octets");
  }
}
