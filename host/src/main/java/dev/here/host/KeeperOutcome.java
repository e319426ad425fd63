package dev.here.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * How a keeper ended, left in its folder for the daemon. A keeper that ended without one died.
 *
 * @param state a final {@code ProtectionState}, or REFUSED where the guest was not touched
 * @param reason why, in a sentence
 * @param again whether the guest runs on here and protection worked before, so that it is worth
 *     another attempt
 */
record KeeperOutcome(String state, String reason, boolean again) {
  static final String REFUSED = "REFUSED";
  private static final String FILE = "outcome.json";

  KeeperOutcome(String state, String reason) {
    this(state, reason, false);
  }

  void write(Path folder) {
    JsonFile.write(folder.resolve(FILE), this);
  }

  static Optional<KeeperOutcome> read(Path folder) {
    return JsonFile.find(folder.resolve(FILE), KeeperOutcome.class);
  }

  static void forget(Path folder) throws IOException {
    Files.deleteIfExists(folder.resolve(FILE));
  }
}
