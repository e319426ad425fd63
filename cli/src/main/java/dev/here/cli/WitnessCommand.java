package dev.here.cli;

import dev.here.host.Witness;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the third party of ownership in the foreground. */
@Command(
    name = "witness",
    description =
        "Runs a single witness, the third party of ownership (in the foreground; ends on SIGTERM).")
final class WitnessCommand implements Callable<Integer> {
  @Option(
      names = "--listen",
      defaultValue = "127.0.0.1:2181",
      description = "ADDRESS:PORT (${DEFAULT-VALUE}).")
  private @Nullable InetSocketAddress listen;

  @Option(
      names = "--dir",
      defaultValue = "/var/lib/here/witness",
      description = "Keeps fencing tokens (${DEFAULT-VALUE}).")
  private Path folder = Path.of("");

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    try (Witness witness = new Witness(Objects.requireNonNull(listen), folder)) {
      spec.commandLine().getOut().println("witness: listening on " + witness.address());
      spec.commandLine().getOut().flush();
      witness.await();
    }
    return 0;
  }
}
