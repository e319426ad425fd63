package dev.here.cli;

import dev.here.host.Witness;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
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
  private String listen = "";

  @Option(
      names = "--dir",
      defaultValue = "/var/lib/here/witness",
      description = "Keeps fencing tokens (${DEFAULT-VALUE}).")
  private Path folder = Path.of("");

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    int colon = listen.lastIndexOf(':');
    if (colon < 1 || !listen.substring(colon + 1).matches("[0-9]{1,5}")) {
      throw new ParameterException(spec.commandLine(), "'" + listen + "' is not ADDRESS:PORT");
    }
    InetSocketAddress address =
        new InetSocketAddress(
            listen.substring(0, colon), Integer.parseInt(listen.substring(colon + 1)));
    try (Witness witness = new Witness(address, folder)) {
      spec.commandLine().getOut().println("witness: listening on " + witness.address());
      spec.commandLine().getOut().flush();
      witness.await();
    }
    return 0;
  }
}
