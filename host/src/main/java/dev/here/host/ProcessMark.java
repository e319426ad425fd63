package dev.here.host;

import dev.here.ffi.ProcessStat;
import java.util.Optional;

/**
 * A process that outlives this daemon, as it is written down to be found again: its id alone may
 * belong to another one by then.
 *
 * @param pid process id
 * @param start when it started, as the kernel tells it; {@code -} where it does not
 */
record ProcessMark(long pid, String start) {
  static ProcessMark of(ProcessHandle process) {
    return new ProcessMark(process.pid(), startOf(process));
  }

  /** The process, if it still exists. */
  Optional<ProcessHandle> find() {
    return ProcessHandle.of(pid).filter(process -> startOf(process).equals(start));
  }

  private static String startOf(ProcessHandle process) {
    return process
        .info()
        .startInstant()
        .map(instant -> Long.toString(instant.toEpochMilli()))
        .orElse("-");
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
