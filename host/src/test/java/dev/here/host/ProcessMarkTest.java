package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProcessMarkTest {
  private static final ProcessHandle SELF = ProcessHandle.current();
  private static final ProcessMark OWN = ProcessMark.of(SELF);

  @TempDir private Path folder;

  @Test
  void aProcessIsFoundAsItWasWrittenDown() {
    HypervisorMark.write(folder, SELF);
    assertThat(HypervisorMark.isDead(folder)).contains(false);
    assertThat(OWN.find()).contains(SELF);
  }

  /** A mark of an earlier form, or a damaged one, is no reason to take a process for dead. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"pid\":%d,\"start\":\"1764515400000\"}",
        "{\"pid\":%d}",
        "{\"pid\":%d,\"boot\":null,\"startTicks\":5}",
        "{\"pid\":-%d,\"boot\":\"b\",\"startTicks\":5}",
        "{}"
      })
  void whatIsNotUnderstoodIsRefused(String text) throws Exception {
    Path file = Files.writeString(folder.resolve("mark.json"), text.formatted(SELF.pid()));
    assertThatThrownBy(() -> JsonFile.read(file, ProcessMark.class))
        .isInstanceOf(HostException.class);
  }

  @Test
  void anotherProcessWithItsIdIsNotFound() {
    var later = new ProcessMark(OWN.pid(), OWN.boot(), OWN.startTicks() + 1);
    assertThat(later.find()).isEmpty();
    assertThat(new ProcessMark(OWN.pid(), "another boot", OWN.startTicks()).find()).isEmpty();
  }

  @Test
  void anEndedProcessIsDead() throws Exception {
    Process process = new ProcessBuilder("sleep", "60").start();
    HypervisorMark.write(folder, process.toHandle());
    assertThat(HypervisorMark.isDead(folder)).contains(false);
    process.destroyForcibly().waitFor();
    assertThat(HypervisorMark.isDead(folder)).contains(true);
    HypervisorMark.forget(folder);
    assertThat(HypervisorMark.isDead(folder)).isEmpty();
    assertThat(ProcessMark.of(process.toHandle()).find()).isEmpty();
  }

  @Test
  void aProcessIsEndedForCertain() throws Exception {
    assertThat(HypervisorMark.end(folder, Duration.ofSeconds(10))).isEmpty();
    Process process = new ProcessBuilder("sleep", "60").start();
    HypervisorMark.write(folder, process.toHandle());
    // One that hangs answers nobody.
    new ProcessBuilder("kill", "-STOP", Long.toString(process.pid())).start().waitFor();
    assertThat(HypervisorMark.end(folder, Duration.ofSeconds(10))).contains(true);
    assertThat(HypervisorMark.isDead(folder)).contains(true);
    assertThat(HypervisorMark.end(folder, Duration.ofSeconds(10))).contains(true);
    process.waitFor();
  }
}
