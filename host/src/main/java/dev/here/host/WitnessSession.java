package dev.here.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A session with the witness, to be continued by who cleans up after the process that opened it:
 * docs/specs/ownership.md. Whoever has it has its leases, so it is kept where only this user reads.
 *
 * @param id the session's number
 * @param password what the witness gave with it, in hexadecimal
 */
record WitnessSession(long id, String password) {
  private static final String FILE = "session.json";

  void write(Path folder) {
    JsonFile.write(folder.resolve(FILE), this);
  }

  /** After it has given its leases up. */
  static void forget(Path folder) {
    try {
      Files.deleteIfExists(folder.resolve(FILE));
    } catch (IOException e) {
      throw new HostException("%s cannot be removed: %s".formatted(FILE, e.getMessage()), e);
    }
  }

  /** Empty when none was written, or it cannot be read. */
  static Optional<WitnessSession> read(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(JsonFile.read(file, WitnessSession.class));
    } catch (HostException e) {
      return Optional.empty();
    }
  }
}
