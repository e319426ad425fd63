package dev.here.cli;

import dev.here.lab.ExecSession;
import dev.here.lab.HostStatus;
import dev.here.lab.Lab;
import dev.here.lab.LabFault;
import dev.here.lab.LabPlan;
import dev.here.lab.LabStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** The virtual rack: real hypervisor hosts on this machine, with HERE on them. */
@Command(
    name = "lab",
    subcommands = LabGuestCommand.class,
    description =
        "Runs virtual hosts with real KVM or Xen on this machine, joined by networks of their own.")
final class LabCommand implements Runnable {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @Spec private CommandSpec spec;

  /** Words after a host or a program belong to it, even those that look like options of ours. */
  static void leaveForeignOptions(CommandLine here) {
    CommandLine lab = here.getSubcommands().get("lab");
    if (lab != null) {
      for (String name : List.of("exec", "inside")) {
        Objects.requireNonNull(lab.getSubcommands().get(name), name).setStopAtPositional(true);
      }
    }
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  @Command(
      description = {
        "Starts the lab's hosts; the first time this builds their image, which takes minutes.",
        "The lab stays up until: here lab down."
      })
  int up(
      @Option(
              names = "--hosts",
              split = ",",
              paramLabel = "NAME",
              description =
                  "Names of the hosts (default: kvm-a,kvm-b); a name that starts with xen"
                      + " is a Xen host's, all others are KVM hosts.")
          List<String> hosts,
      @Option(
              names = "--guest",
              paramLabel = "HOST[:VCPUS[:cards]]",
              description =
                  "A Linux guest runs on this host from the start (may be given for several);"
                      + " :cards gives it two with vhost, one of them in a VLAN.")
          List<String> guests,
      @Option(names = "--json", description = "The lab's status as one JSON object.")
          boolean json) {
    List<Path> jars = HereProgram.jars();
    LabPlan plan = hosts == null ? LabPlan.pair(jars) : LabPlan.of(hosts, jars);
    for (String guest : guests == null ? List.<String>of() : guests) {
      plan = plan.withGuest(guest);
    }
    print(Lab.upKept(plan, this::progress).status(), json);
    return 0;
  }

  @Command(description = "Ends the lab and everything in it.")
  int down() {
    lab().close();
    return 0;
  }

  @Command(description = "Shows the hosts, their addresses and their TSC rates.")
  int status(@Option(names = "--json", description = "One JSON object.") boolean json) {
    print(lab().status(), json);
    return 0;
  }

  @Command(description = "Runs a bash command on a host; its exit code is the command's.")
  int exec(
      @Parameters(paramLabel = "HOST") String host,
      @Parameters(paramLabel = "CMD", arity = "1..*") List<String> command)
      throws IOException {
    try (ExecSession session = lab().start(host, String.join(" ", command))) {
      session.endInput();
      return session.transferTo(System.out, System.err);
    }
  }

  @Command(
      description = {
        "Does something to a host: power (it is gone at once), hang (it stands still),",
        "partition (hosts no longer reach each other), dm-crash or dm-hang (its guests' device",
        "models are killed or stand still), heal (ends any of these)."
      })
  int fault(
      @Parameters(paramLabel = "HOST") String host,
      @Parameters(
              paramLabel = "power|hang|partition|dm-crash|dm-hang|heal",
              converter = FaultConverter.class)
          LabFault fault) {
    lab().fault(host, fault);
    return 0;
  }

  /** Reads a fault's word. */
  static final class FaultConverter extends WordConverter<LabFault> {
    FaultConverter() {
      super("fault", LabFault.values(), LabFault::word);
    }
  }

  @Command(
      description =
          "Runs a program of this machine in the lab's network, at 10.88.0.1 and 10.88.2.1.")
  int inside(@Parameters(paramLabel = "CMD", arity = "1..*") List<String> command)
      throws IOException, InterruptedException {
    return new ProcessBuilder(lab().inside(command)).inheritIO().start().waitFor();
  }

  @Command(description = "Copies a file of this machine to a host.")
  int push(
      @Parameters(paramLabel = "HOST") String host,
      @Parameters(paramLabel = "FILE") Path local,
      @Parameters(paramLabel = "REMOTE") String remote) {
    lab().push(host, local, remote);
    return 0;
  }

  @Command(description = "Copies a file of a host to this machine.")
  int pull(
      @Parameters(paramLabel = "HOST") String host,
      @Parameters(paramLabel = "REMOTE") String remote,
      @Parameters(paramLabel = "FILE") Path local) {
    lab().pull(host, remote, local);
    return 0;
  }

  private static Lab lab() {
    return Lab.current()
        .orElseThrow(() -> new HereProgram.Refusal("no lab is up: start one with here lab up"));
  }

  private void progress(String text) {
    spec.commandLine().getErr().println(text);
    spec.commandLine().getErr().flush();
  }

  private void print(LabStatus status, boolean json) {
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(JSON.writeValueAsString(status));
    } else {
      out.printf(
          "hosts run by %s; clients at %s, witness at %s; files in %s%n",
          status.acceleration(), status.clientAddress(), status.witnessAddress(), status.folder());
      for (HostStatus host : status.hosts()) {
        out.printf(
            "%-10s %-8s data %s  hosts %s  control %s  TSC %d kHz  up %.0f s%n",
            host.name(),
            host.state(),
            host.dataAddress(),
            host.replicationAddress(),
            host.controlAddress(),
            host.tscKilohertz(),
            host.uptimeSeconds());
      }
    }
    out.flush();
  }
}
