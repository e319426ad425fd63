package dev.here.host;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Which process keeps a protection, written down by itself once it has {@link KeeperLock}. */
final class KeeperMark {
  private static final String FILE = "keeper.json";

  private KeeperMark() {}

  static void write(Path folder) {
    JsonFile.write(folder.resolve(FILE), ProcessMark.of(ProcessHandle.current()));
  }

  /**
   * The process, if it exists still; it may have been killed and not be gone yet.
   *
   * @throws HostException when the mark is not understood, or it cannot be seen
   */
  static Optional<ProcessHandle> find(Path folder) {
    Path file = folder.resolve(FILE);
    return Files.exists(file) ? JsonFile.read(file, ProcessMark.class).find() : Optional.empty();
  }

  /** As {@link #find}, of a process that may still do something. */
  static Optional<ProcessHandle> alive(Path folder) {
    return find(folder).filter(ProcessMark::isAlive);
  }
}
