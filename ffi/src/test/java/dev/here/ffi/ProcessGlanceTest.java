package dev.here.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class ProcessGlanceTest {
  @TempDir Path folder;

  @Test
  @Timeout(60)
  void showsAProcessUntilItHasEnded() throws Exception {
    shows(Path.of("/bin/sleep"));
  }

  @Test
  @Timeout(60)
  void aProgramMayHaveAnyName() throws Exception {
    Path named = folder.resolve("a) Z 1 (b");
    Files.copy(Path.of("/bin/sleep"), named);
    assertThat(named.toFile().setExecutable(true)).isTrue();
    shows(named);
  }

  private static void shows(Path sleep) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(sleep.toString(), "60").start();
    try (ProcessGlance glance = ProcessGlance.of(process.pid()).orElseThrow()) {
      assertThat(glance.showsActive()).isTrue();
      process.destroyForcibly().waitFor();
      assertThat(ProcessStat.awaitEnd(process.pid(), Duration.ofSeconds(20))).isTrue();
      assertThat(glance.showsActive()).isFalse();
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void oneThatIsClosedShowsNothing() {
    ProcessGlance own = ProcessGlance.of(ProcessHandle.current().pid()).orElseThrow();
    own.close();
    assertThat(own.showsActive()).isFalse();
    own.close();
  }

  @Test
  void thereIsNoneOfAProcessThatIsNotThere() throws Exception {
    Process process = new ProcessBuilder("true").start();
    process.waitFor();
    assertThat(ProcessGlance.of(process.pid())).isEmpty();
  }
}
