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

  /** After the lease was given up. */
  static void forget(Path folder) {
    try {
      Files.deleteIfExists(folder.resolve(FILE));
    } catch (IOException e) {
      throw new HostException("%s cannot be removed: %s".formatted(FILE, e.getMessage()), e);
    }
  }

  /** Empty when none was written, or it cannot be read. */
  static Optional<LeaseMark> read(Path folder) {
    return JsonFile.find(folder.resolve(FILE), LeaseMark.class);
  }
}
