package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.hypervisor.GuestProgress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** When a QEMU is asked how it is, and when what it said of itself is enough. */
class QemuPulseTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  /** So recent is nothing. */
  private static final Duration SHORT = Duration.ofNanos(1);

  @TempDir Path folder;

  private final Standstill standstill = new Standstill();
  private final AtomicInteger asked = new AtomicInteger();
  private ScriptedMonitor monitor;
  private QmpClient qmp;
  private QemuPulse pulse;

  @BeforeEach
  void connect() throws Exception {
    Path socket = folder.resolve("monitor");
    monitor = new ScriptedMonitor(socket);
    monitor.answers.put(
        "query-status",
        request -> {
          asked.incrementAndGet();
          return Optional.of("{\"return\": {\"status\": \"paused\"}}");
        });
    qmp = QmpClient.connect(socket, LONG);
    ProcessHandle own = ProcessHandle.current();
    var process = new QemuProcess(own, QemuCommandLine.of(List.of("qemu")), List.of(own.pid()));
    pulse = new QemuPulse(qmp, process, standstill);
  }

  @AfterEach
  void close() throws Exception {
    qmp.close();
    monitor.close();
  }

  private void tell(String event) {
    standstill.accept(new QmpEvent(event, JsonMapper.shared().createObjectNode(), 0));
  }

  @Test
  void aQemuThatHasSaidNothingIsAsked() {
    GuestProgress progress = pulse.progress(LONG);
    assertThat(progress.alive()).isTrue();
    assertThat(progress.paused()).isTrue();
    assertThat(asked).hasValue(1);
  }

  @Test
  void aGuestThatHasJustGoneOnRuns() {
    tell("STOP");
    tell("RESUME");
    GuestProgress progress = pulse.progress(LONG);
    assertThat(progress.alive()).isTrue();
    assertThat(progress.paused()).isFalse();
    assertThat(asked).hasValue(0);
  }

  @Test
  void aGuestThatStandsIsAskedFor() {
    tell("RESUME");
    tell("STOP");
    assertThat(pulse.progress(LONG).paused()).isTrue();
    assertThat(asked).hasValue(1);
  }

  @Test
  void whatWasSaidLongAgoIsNotEnough() {
    tell("RESUME");
    assertThat(standstill.wentOnWithin(SHORT.toNanos())).isFalse();
    assertThat(standstill.wentOnWithin(LONG.toNanos())).isTrue();
  }
}
