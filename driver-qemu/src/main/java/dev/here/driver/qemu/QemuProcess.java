package dev.here.driver.qemu;

import dev.here.ffi.ProcessStat;
import dev.here.hypervisor.HypervisorException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * QEMU's process, found by the thread ids of its vCPUs (a thread's /proc entry names its process).
 * Facts of /proc: proc(5).
 *
 * @param handle the process; it stays bound to this very process even when its id is used again
 * @param commandLine what it was started with
 * @param vcpuThreads thread ids, by vCPU index
 */
public record QemuProcess(
    ProcessHandle handle, QemuCommandLine commandLine, List<Long> vcpuThreads) {
  public QemuProcess {
    vcpuThreads = List.copyOf(vcpuThreads);
  }

  /**
   * In a descriptor's fdinfo: the interface of a TUN or TAP (drivers/net/tun.c,
   * tun_chr_show_fdinfo).
   */
  private static final String TAP_FIELD = "iff:";

  /** What the kernel says a process does. */
  public enum RunState {
    /** It can run. */
    LIVE,
    /** A signal or a debugger stopped it. */
    STOPPED,
    /** It has ended. */
    GONE
  }

  /** Finds the process behind {@code qmp}. */
  public static QemuProcess find(QmpClient qmp, Duration timeout) {
    var threads = new ArrayList<Long>();
    for (JsonNode cpu : qmp.execute("query-cpus-fast", timeout)) {
      threads.add(cpu.path("thread-id").asLong(0));
    }
    if (threads.isEmpty()) {
      throw new HypervisorException("QEMU at %s shows no vCPU".formatted(qmp.socket()));
    }
    long pid = processOf(threads.getFirst());
    ProcessHandle handle =
        ProcessHandle.of(pid)
            .orElseThrow(() -> new HypervisorException("QEMU's process %d ended".formatted(pid)));
    return new QemuProcess(handle, readCommandLine(pid), threads);
  }

  private static long processOf(long thread) {
    Path status = Path.of("/proc/" + thread + "/status");
    try (Stream<String> lines = Files.lines(status)) {
      return lines
          .filter(line -> line.startsWith("Tgid:"))
          .map(line -> Long.parseLong(line.substring("Tgid:".length()).trim()))
          .findFirst()
          .orElseThrow();
    } catch (IOException | RuntimeException e) {
      throw new HypervisorException(
          "QEMU's vCPU thread %d is not seen in /proc: QEMU must run on this host, in this process"
                  .formatted(thread)
              + " namespace, for HERE to protect its guest",
          e);
    }
  }

  private static QemuCommandLine readCommandLine(long pid) {
    try {
      String words =
          new String(
              Files.readAllBytes(Path.of("/proc/" + pid + "/cmdline")), StandardCharsets.UTF_8);
      return QemuCommandLine.of(Arrays.asList(words.split("\0")));
    } catch (IOException e) {
      throw new HypervisorException("cannot read the command line of QEMU's process " + pid, e);
    }
  }

  /** The process id. */
  public long pid() {
    return handle.pid();
  }

  /** The program's file, by the kernel's link; it works even when the file was replaced. */
  public Path executable() {
    return Path.of("/proc/" + pid() + "/exe");
  }

  /** What the process does now. */
  public RunState runState() {
    if (!handle.isAlive()) {
      return RunState.GONE;
    }
    return ProcessStat.living(pid())
        .map(stat -> stat.isStopped() ? RunState.STOPPED : RunState.LIVE)
        .orElse(RunState.GONE);
  }

  /** Waits until the process is gone; false when it is still there after {@code timeout}. */
  boolean endsWithin(Duration timeout) {
    return ProcessStat.awaitEnd(pid(), timeout);
  }

  /** CPU time that the vCPU threads have used so far, in steps of 10 ms; 0 once they are gone. */
  public long vcpuNanos() {
    return vcpuThreads.stream()
        .flatMap(thread -> ProcessStat.ofThread(pid(), thread).stream())
        .mapToLong(ProcessStat::cpuNanos)
        .sum();
  }

  /**
   * True if every vCPU thread sleeps. A thread in KVM sleeps only while its vCPU waits for an
   * interrupt, and the kernel's timers wake it; so a vCPU with an overdue timer does not sleep.
   */
  boolean vcpusSleep() {
    return vcpuThreads.stream()
        .allMatch(
            thread -> ProcessStat.ofThread(pid(), thread).filter(ProcessStat::sleeps).isPresent());
  }

  /** True if one of its open files is {@code file}, a path as /proc shows it. */
  boolean hasOpen(String file) {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + pid() + "/fd"))) {
      return descriptors.anyMatch(descriptor -> {
        try {
          return Files.readSymbolicLink(descriptor).toString().equals(file);
        } catch (IOException e) {
          return false;
        }
      });
    } catch (IOException e) {
      return false;
    }
  }

  /** The TAP interface that one of its descriptors is a queue of; empty for any other. */
  Optional<String> tapOf(int descriptor) {
    Path info = Path.of("/proc/%d/fdinfo/%d".formatted(pid(), descriptor));
    try (Stream<String> lines = Files.lines(info)) {
      return lines
          .filter(line -> line.startsWith(TAP_FIELD))
          .map(line -> line.substring(TAP_FIELD.length()).trim())
          .findFirst();
    } catch (IOException | UncheckedIOException e) {
      return Optional.empty();
    }
  }

  /** The TAP interfaces that it has open, each once. */
  List<String> taps() {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + pid() + "/fdinfo"))) {
      return descriptors
          .map(descriptor -> tapOf(Integer.parseInt(descriptor.getFileName().toString())))
          .flatMap(Optional::stream)
          .distinct()
          .toList();
    } catch (IOException | UncheckedIOException e) {
      return List.of();
    }
  }
}
