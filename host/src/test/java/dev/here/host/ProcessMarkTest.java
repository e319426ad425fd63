package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.ProcessStat;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

  /** Its start counts from the machine's boot: a clock that is set anew changes nothing. */
  @Test
  void itsStartIsWhatTheKernelCounts() {
    long ticks = ProcessStat.of(SELF.pid()).orElseThrow().startTicks();
    assertThat(OWN.startTicks()).isEqualTo(ticks);
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
}
