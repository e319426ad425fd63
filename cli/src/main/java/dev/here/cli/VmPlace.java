package dev.here.cli;

import dev.here.host.HostConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Where a virtual machine's control socket and files are: by its name, or as told. */
final class VmPlace {
  private static final String SUFFIX = ".sock";

  @Option(
      names = "--name",
      defaultValue = "vm",
      paramLabel = "NAME",
      description = "The VM's name; default ${DEFAULT-VALUE}.")
  private String name = "vm";

  @Option(
      names = "--control",
      paramLabel = "SOCKET",
      description = "The VM's control socket; default /run/here/vm/NAME.sock.")
  private Optional<Path> control = Optional.empty();

  String name() {
    return name;
  }

  /** The control socket; its folder exists. */
  Path control() throws IOException {
    return file(SUFFIX);
  }

  /** The file of this VM with a suffix, beside its control socket, which has its own. */
  Path file(String suffix) throws IOException {
    if (control.isPresent()) {
      Path socket = control.get().toAbsolutePath();
      return suffix.equals(SUFFIX) ? socket : Path.of(socket + suffix);
    }
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,39}")) {
      throw new IllegalArgumentException(
          "--name is \"" + name + "\", must be up to 40 letters, digits, dots and dashes");
    }
    return Files.createDirectories(HostConfig.VM_FOLDER).resolve(name + suffix);
  }
}
