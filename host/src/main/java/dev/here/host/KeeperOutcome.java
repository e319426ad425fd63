package dev.here.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * How a keeper ended, left in its folder for the daemon. A keeper that ended without one died.
 *
 * @param state a final {@code ProtectionState}, or REFUSED where the guest was not touched
 * @param reason why, in a sentence
 */
record KeeperOutcome(String state, String reason) {
  static final String REFUSED = "REFUSED";
  private static final String FILE = "outcome.json";
  private static final JsonMapper JSON = JsonMapper.builder().build();

  void write(Path folder) {
    try {
      Path partial = folder.resolve(FILE + ".partial");
      Files.writeString(partial, JSON.writeValueAsString(this));
      Files.move(partial, folder.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new HostException(
          "the outcome of " + folder + " cannot be written: " + e.getMessage(), e);
    }
  }

  static Optional<KeeperOutcome> read(Path folder) {
    try {
      return Optional.of(
          JSON.readValue(Files.readString(folder.resolve(FILE)), KeeperOutcome.class));
    } catch (IOException | JacksonException e) {
      return Optional.empty();
    }
  }

  static void forget(Path folder) throws IOException {
    Files.deleteIfExists(folder.resolve(FILE));
  }
}
