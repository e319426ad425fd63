package dev.here.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Ends a protection. */
@Command(
    name = "unprotect",
    description = "Ends a VM's protection; the guest goes on where it runs.")
final class UnprotectCommand implements Callable<Integer> {
  @Parameters(paramLabel = "VM", description = "The VM's name.")
  private String name = "";

  @Mixin private DaemonOption daemon;

  @Override
  public Integer call() {
    daemon.client().delete("/v1/protections/" + name);
    return 0;
  }
}
