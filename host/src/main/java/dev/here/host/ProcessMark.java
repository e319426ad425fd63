package dev.here.host;

import dev.here.ffi.ProcessStat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A process that outlives this daemon, as it is written down to be found again: its id alone may
 * belong to another one by then. Nothing in it is a time of day, which may be set anew while both
 * run: {@code ProcessHandle.Info.startInstant} of one process differs then from JVM to JVM.
 *
 * @param pid process id
 * @param boot the machine's boot in which it runs (random(4), boot_id)
 * @param startTicks {@link ProcessStat#startTicks}; 0 of one that had ended when this was made
 */
record ProcessMark(long pid, String boot, long startTicks) {
  private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

  /** What cannot be understood is nobody's process: nothing may be done to it, nor for it. */
  ProcessMark {
    if (pid <= 0 || boot == null || startTicks < 0) {
      throw new HostException(
          "no process is marked so: id %d, boot %s, start %d".formatted(pid, boot, startTicks));
    }
  }

  static ProcessMark of(ProcessHandle process) {
    return new ProcessMark(process.pid(), thisBoot(), startTicksOf(process.pid()));
  }

  /**
   * The process, if it still exists.
   *
   * @throws HostException when that cannot be seen
   */
  Optional<ProcessHandle> find() {
    if (startTicks == 0 || startTicksOf(pid) != startTicks || !thisBoot().equals(boot)) {
      return Optional.empty();
    }
    return ProcessHandle.of(pid);
  }

  private static long startTicksOf(long pid) {
    Optional<ProcessStat> stat = ProcessStat.ofThread(pid, pid);
    if (stat.isEmpty() && ProcessStat.exists(pid)) {
      throw new HostException(
          "process %d is there and cannot be looked at; are there too many open files?"
              .formatted(pid));
    }
    return stat.map(ProcessStat::startTicks).orElse(0L);
  }

  private static String thisBoot() {
    try {
      return Files.readString(BOOT).strip();
    } catch (IOException e) {
      throw new HostException("%s cannot be read: %s".formatted(BOOT, e.getMessage()), e);
    }
  }

  /**
   * Whether it does anything any more. One that was killed is visible while the kernel takes its
   * memory back, and then until its parent asks for its exit code, which the parent of an orphan
   * may never do.
   */
  static boolean isAlive(ProcessHandle process) {
    return ProcessStat.isActive(process.pid()) && process.isAlive();
  }
}
