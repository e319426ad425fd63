package dev.here.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ProcessStatTest {
  private static final Duration LONG = Duration.ofSeconds(20);

  @Test
  void tellsOfThisProcessAndItsThread() {
    long own = ProcessHandle.current().pid();
    ProcessStat stat = ProcessStat.of(own).orElseThrow();
    assertThat(stat.hasEnded()).isFalse();
    assertThat(stat.isStopped()).isFalse();
    assertThat(stat.cpuNanos()).isPositive();
    assertThat(ProcessStat.ofThread(own, Threads.tid()).orElseThrow().hasEnded()).isFalse();
  }

  @Test
  @Timeout(60)
  void seesAStoppedProcessAndItsEnd() throws Exception {
    Process process = new ProcessBuilder("sleep", "60").start();
    try {
      signal("STOP", process);
      while (!ProcessStat.of(process.pid()).orElseThrow().isStopped()) {
        Thread.sleep(1);
      }
      assertThat(ProcessStat.awaitEnd(process.pid(), Duration.ZERO)).isFalse();
    } finally {
      process.destroyForcibly();
    }
    assertThat(ProcessStat.awaitEnd(process.pid(), LONG)).isTrue();
    process.waitFor();
    assertThat(ProcessStat.of(process.pid())).isEqualTo(Optional.empty());
  }

  @Test
  void aProcessWithoutItsFirstThreadHasNotEnded() {
    assertThat(new ProcessStat('Z', 2, 0).hasEnded()).isFalse();
    assertThat(new ProcessStat('Z', 1, 0).hasEnded()).isTrue();
    assertThat(new ProcessStat('S', 1, 0).hasEnded()).isFalse();
  }

  private static void signal(String name, Process process)
      throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }
}
