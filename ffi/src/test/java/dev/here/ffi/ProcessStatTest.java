package dev.here.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
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

  /** The time since the boot (proc(5), uptime) that a process of now starts at. */
  @Test
  void tellsWhenAProcessStarted() throws Exception {
    double before = uptimeSeconds();
    Process process = new ProcessBuilder("sleep", "60").start();
    try {
      double start = ProcessStat.of(process.pid()).orElseThrow().startTicks() / 100.0;
      assertThat(start).isBetween(before - 0.02, uptimeSeconds());
    } finally {
      process.destroyForcibly();
    }
  }

  private static double uptimeSeconds() throws IOException {
    return Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]);
  }

  @Test
  @Timeout(60)
  void seesAStoppedProcessAndItsEnd() throws Exception {
    Process process = new ProcessBuilder("sleep", "60").start();
    try {
      signal("STOP", process.pid());
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
    assertThat(new ProcessStat('Z', 2, 0, 0, 0).hasEnded()).isFalse();
    assertThat(new ProcessStat('Z', 1, 0, 0, 0).hasEnded()).isTrue();
    assertThat(new ProcessStat('S', 1, 0, 0, 0).hasEnded()).isFalse();
  }

  /**
   * The first process of a PID namespace waits in the kernel, on its way out, until all others of
   * it are gone for good; one whose parent is outside and stopped stays.
   */
  @Test
  @Timeout(60)
  void aKilledProcessThatTheKernelIsNotDoneWithIsNotActive() throws Exception {
    Process namespace = new ProcessBuilder("unshare", "--pid", "--fork", "sleep", "60").start();
    Process visitor = null;
    try {
      Optional<ProcessHandle> first = child(namespace);
      assumeThat(first).as("unshare, which needs root").isPresent();
      long pid = first.orElseThrow().pid();
      assertThat(ProcessStat.isActive(pid)).isTrue();
      ProcessGlance glance = ProcessGlance.of(pid).orElseThrow();
      assertThat(glance.showsActive()).isTrue();
      visitor =
          new ProcessBuilder("nsenter", "-t", Long.toString(pid), "--pid", "sleep", "60").start();
      assertThat(child(visitor)).isPresent();
      signal("STOP", visitor.pid());
      signal("KILL", pid);
      while (ProcessStat.isActive(pid)) {
        Thread.sleep(1);
      }
      assertThat(ProcessStat.living(pid).orElseThrow().isExiting()).isTrue();
      assertThat(glance.showsActive()).isFalse();
      signal("CONT", visitor.pid());
      assertThat(ProcessStat.awaitEnd(pid, LONG)).isTrue();
      assertThat(ProcessStat.isActive(pid)).isFalse();
      assertThat(glance.showsActive()).isFalse();
      glance.close();
    } finally {
      end(visitor);
      end(namespace);
    }
  }

  /** The process that another one has started; empty when that ends instead. */
  private static Optional<ProcessHandle> child(Process parent) throws InterruptedException {
    Optional<ProcessHandle> child = parent.children().findFirst();
    while (child.isEmpty() && parent.isAlive()) {
      Thread.sleep(1);
      child = parent.children().findFirst();
    }
    return child;
  }

  private static void end(@Nullable Process process) throws InterruptedException {
    if (process != null) {
      process.children().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
    }
  }

  private static void signal(String name, long pid) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start().waitFor();
  }
}
