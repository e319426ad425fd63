package dev.here.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Which process runs the guest of a keeper, for who cleans up after it: a guest whose hypervisor
 * has died, too, is the standby's.
 */
final class HypervisorMark {
  private static final String FILE = "hypervisor.json";
  private static final long POLL_NANOS = 2_000_000;

  private HypervisorMark() {}

  static void write(Path folder, ProcessHandle hypervisor) {
    JsonFile.write(folder.resolve(FILE), ProcessMark.of(hypervisor));
  }

  static void forget(Path folder) throws IOException {
    Files.deleteIfExists(folder.resolve(FILE));
  }

  /** Whether that process executes nothing any more; empty when none was written. */
  static Optional<Boolean> isDead(Path folder) {
    return JsonFile.find(folder.resolve(FILE), ProcessMark.class)
        .map(mark -> mark.find().filter(ProcessMark::isAlive).isEmpty());
  }

  /**
   * Ends that process by force; whether it executes nothing any more within the time. Empty when
   * none was written.
   */
  static Optional<Boolean> end(Path folder, Duration limit) {
    return JsonFile.find(folder.resolve(FILE), ProcessMark.class)
        .map(mark -> mark.find().map(process -> end(process, limit)).orElse(true));
  }

  private static boolean end(ProcessHandle process, Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    process.destroyForcibly();
    while (ProcessMark.isAlive(process)) {
      if (System.nanoTime() - deadline > 0) {
        return false;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    return true;
  }
}
