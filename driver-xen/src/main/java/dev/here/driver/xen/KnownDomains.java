package dev.here.driver.xen;

import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.StateRefusedException;
import dev.here.machine.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * The configurations of domains that this host has started and protected, one file each. A
 * configuration names programs and files that xl and the device model use with all rights: one that
 * a peer sends is used only if this host has it itself, octet for octet, whatever became of the
 * peer meanwhile.
 *
 * @param folder of root alone
 */
record KnownDomains(Path folder) {
  /** Where they are kept. */
  static final KnownDomains HERE = new KnownDomains(Path.of("/var/lib/here/xen"));

  private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}";

  /** Keeps a domain's configuration in place of an earlier one. */
  void remember(String name, Bytes configuration) {
    try {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      Path fresh = Files.createTempFile(folder, ".", ".new");
      Files.write(fresh, configuration.toArray());
      Files.move(fresh, file(name), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new HypervisorException(
          "the configuration of domain %s cannot be kept in %s: %s"
              .formatted(name, folder, e.getMessage()),
          e);
    }
  }

  /**
   * Checks a configuration that came from elsewhere.
   *
   * @throws StateRefusedException if this host does not have the same
   */
  void require(String name, Bytes configuration) {
    Path file = file(name);
    try {
      if (Files.exists(file) && Bytes.of(Files.readAllBytes(file)).equals(configuration)) {
        return;
      }
    } catch (IOException e) {
      throw new StateRefusedException(
          "the configuration of domain %s cannot be read: %s".formatted(name, e.getMessage()), e);
    }
    throw new StateRefusedException(
        ("domain %s comes with a configuration that this host does not know: protect it from this"
                + " host first, or copy %s from the host that has started it")
            .formatted(name, file));
  }

  private Path file(String name) {
    if (!name.matches(NAME)) {
      throw new StateRefusedException(
          "a domain called '%s' cannot be kept: take letters, digits, dots and dashes"
              .formatted(name));
    }
    return folder.resolve(name + ".json");
  }
}
