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

  static ProcessMark of(ProcessHandle process) {
    return new ProcessMark(process.pid(), thisBoot(), startTicksOf(process.pid()));
  }

  /** The process, if it still exists. */
  Optional<ProcessHandle> find() {
    if (startTicks == 0 || startTicksOf(pid) != startTicks || !thisBoot().equals(boot)) {
      return Optional.empty();
    }
    return ProcessHandle.of(pid);
  }

  private static long startTicksOf(long pid) {
    return ProcessStat.ofThread(pid, pid).map(ProcessStat::startTicks).orElse(0L);
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
