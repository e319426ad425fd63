package dev.here.cli;

import java.io.Console;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A guest survives the loss of its hypervisor or host, on this machine. */
@Command(
    name = "demo",
    description = {
      "Starts two virtual hosts, a Linux guest on stock QEMU or Xen, protects it, attacks its",
      "hypervisor, and shows it going on under HERE's own VMM on the other host, its TCP connection",
      "kept."
    },
    footer = {"", "Exit code 0 only if the guest survived with nothing lost."})
final class DemoCommand implements Callable<Integer> {
  private static final int VCPUS_MAX = 8;

  @Option(
      names = "--pair",
      converter = DemoPair.Converter.class,
      paramLabel = "qemu:kvm|xen:kvm",
      defaultValue = "qemu:kvm",
      description = "Hypervisors of the guest's first and second host (default: qemu:kvm).")
  private DemoPair pair = DemoPair.QEMU_KVM;

  @Option(
      names = "--attack",
      converter = Attack.Converter.class,
      paramLabel = "crash|kill|hang|host-power|host-hang|partition",
      defaultValue = "crash",
      description = "What is done to the guest's hypervisor or host (default: crash).")
  private Attack attack = Attack.CRASH;

  @Option(
      names = "--vcpus",
      paramLabel = "N",
      defaultValue = "1",
      description = "Virtual CPUs of the guest (default: 1).")
  private int vcpus;

  @Option(
      names = "--load",
      paramLabel = "memory",
      defaultValue = "none",
      description = "What the guest does besides: memory keeps writing to it.")
  private String load = "none";

  @Option(
      names = "--plain",
      description = {
        "A guest as anyone would start it: 256 MiB, Debian's kernel image with its default options,",
        "two processes in it that check their memory all the time. No --attack crash."
      })
  private boolean plain;

  @Option(
      names = "--failback",
      description = {
        "Afterwards the guest is protected back to its first host and the VMM that runs it by then is",
        "killed: the guest ends where it began. For an attack that leaves the first host standing."
      })
  private boolean failback;

  @Option(names = "--json", description = "The summary as one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (vcpus < 1 || vcpus > VCPUS_MAX) {
      throw wrongUse("--vcpus %d: 1 to %d".formatted(vcpus, VCPUS_MAX));
    }
    if (!load.equals("none") && !load.equals("memory")) {
      throw wrongUse("--load %s: memory is known".formatted(load));
    }
    if (plain && attack == Attack.CRASH) {
      throw wrongUse("--plain: such a guest has no port to crash QEMU with; take another --attack");
    }
    if (failback && !attack.leavesHost()) {
      throw wrongUse(
          "--failback: the guest needs its first host to go back to; take --attack crash, kill or hang");
    }
    boolean terminal = Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    DemoScreen screen = new DemoScreen(spec.commandLine().getErr(), terminal);
    DemoVerdict.Minimum minimum = DemoVerdict.Minimum.OF_A_DEMO;
    DemoFacts facts =
        Demo.run(
            new Demo.Options(
                pair, attack, vcpus, load.equals("memory"), plain, plain, minimum, 0, failback),
            screen);
    DemoSummary summary = DemoSummary.of(facts);
    List<String> problems = DemoVerdict.problems(facts, minimum);
    var out = spec.commandLine().getOut();
    out.print(json ? summary.json() + "\n" : "\n" + summary.text());
    if (!json) {
      out.println(
          problems.isEmpty()
              ? "The guest survived on %s; nothing was lost.".formatted(facts.owners().getFirst())
              : "NOT GOOD:");
    }
    out.flush();
    problems.forEach(problem -> spec.commandLine().getErr().println("here: " + problem));
    spec.commandLine().getErr().flush();
    return problems.isEmpty() ? 0 : 1;
  }

  private ParameterException wrongUse(String why) {
    return new ParameterException(spec.commandLine(), why);
  }
}
