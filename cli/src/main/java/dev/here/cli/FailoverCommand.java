package dev.here.cli;

import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Moves a VM to its standby. */
@Command(
    name = "failover",
    description = {
      "Moves a VM to its standby: on the primary's host planned, nothing is lost;",
      "on the standby's host as soon as the witness grants it."
    })
final class FailoverCommand implements Callable<Integer> {
  @Parameters(paramLabel = "VM", description = "The VM's name.")
  private String name = "";

  @Mixin private DaemonOption daemon;

  @Override
  public Integer call() {
    daemon.client().post("/v1/vms/" + name + "/failover", Map.of());
    return 0;
  }
}
