package dev.here.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Which lease a keeper holds, for who cleans up after it and inherits the lease:
 * docs/specs/ownership.md.
 *
 * @param token the lease's
 */
record LeaseMark(long token) {
  private static final String FILE = "lease.json";

  void write(Path folder) {
    JsonFile.write(folder.resolve(FILE), this);
  }

  static void forget(Path folder) throws IOException {
    Files.deleteIfExists(folder.resolve(FILE));
  }

  /**
   * Empty when none was written: that keeper never had a lease.
   *
   * @throws HostException when one is there and cannot be read
   */
  static Optional<LeaseMark> read(Path folder) {
    Path file = folder.resolve(FILE);
    return Files.exists(file)
        ? Optional.of(JsonFile.read(file, LeaseMark.class))
        : Optional.empty();
  }
}
