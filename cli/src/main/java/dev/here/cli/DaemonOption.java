package dev.here.cli;

import dev.here.host.ApiClient;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which daemon a command asks. */
final class DaemonOption {
  @Option(
      names = "--api",
      description = "The daemon's socket (${DEFAULT-VALUE}).",
      defaultValue = "/run/here/hered.sock")
  private Path socket = ApiClient.DEFAULT_SOCKET;

  ApiClient client() {
    return new ApiClient(socket);
  }
}
