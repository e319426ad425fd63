package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class StandstillTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path folder;

  @Test
  @Timeout(20)
  void aQemuThatEndsIsNotWaitedFor() throws Exception {
    var standstill = new Standstill();
    Path socket = folder.resolve("monitor");
    try (var monitor = new ScriptedMonitor(socket);
        var qmp = QmpClient.connect(socket, LONG)) {
      qmp.onEnd(standstill::end);
      Thread waiting =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  assertThat(standstill.awaitResume(0, LONG.toNanos())).isNull();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
      monitor.close();
      waiting.join(LONG.toMillis());
      assertThat(waiting.isAlive()).isFalse();
    }
  }

  @Test
  void theTimeIsBounded() throws InterruptedException {
    assertThat(new Standstill().awaitResume(0, TimeUnit.MILLISECONDS.toNanos(20))).isNull();
  }
}
