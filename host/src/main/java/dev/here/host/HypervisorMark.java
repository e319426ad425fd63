package dev.here.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Which process runs the guest of a keeper, for who cleans up after it: a guest whose hypervisor
 * has died, too, is the standby's.
 */
final class HypervisorMark {
  private static final String FILE = "hypervisor.json";

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
}
