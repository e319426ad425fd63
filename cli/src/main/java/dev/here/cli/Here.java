package dev.here.cli;

import java.net.InetSocketAddress;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/** The command line's root. */
@Command(
    name = "here",
    description = "Keeps a running virtual machine alive across hosts and hypervisors.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Also: here test [--lab-full | --soak], here lint (run by the launcher).",
      "Exit codes: 0 done, 1 failed or refused (one line says why), 2 wrong use."
    })
public final class Here {
  private Here() {}

  /** In the order of the help. */
  private static final List<String> COMMANDS =
      List.of(
          "help",
          "doctor",
          "demo",
          "lab",
          "protect",
          "status",
          "failover",
          "unprotect",
          "bench",
          "test-soak",
          "state",
          "vm",
          "hered",
          "witness");

  private static Object command(String name) {
    return switch (name) {
      case "help" -> new HelpCommand();
      case "doctor" -> new DoctorCommand();
      case "demo" -> new DemoCommand();
      case "lab" -> new LabCommand();
      case "protect" -> new ProtectCommand();
      case "status" -> new StatusCommand();
      case "failover" -> new FailoverCommand();
      case "unprotect" -> new UnprotectCommand();
      case "bench" -> new BenchCommand();
      case "test-soak" -> new SoakCommand();
      case "state" -> new StateCommand();
      case "vm" -> new VmCommand();
      case "hered" -> new HeredCommand();
      case "witness" -> new WitnessCommand();
      default -> throw new IllegalArgumentException("no command " + name);
    };
  }

  public static void main(String[] arguments) {
    String[] words = arguments.length == 0 ? new String[] {"help"} : arguments;
    System.exit(line(words[0]).execute(words));
  }

  /**
   * The command line with the command of this name only: to look at all of them took 0.3 of the 1.2
   * s of a short command. With all of them when there is none of the name, and for the help.
   */
  static CommandLine line(String name) {
    CommandLine line = new CommandLine(new Here());
    boolean alone = COMMANDS.contains(name) && !name.equals("help");
    for (String known : alone ? List.of(name) : COMMANDS) {
      line.addSubcommand(known, command(known));
    }
    line.setExecutionExceptionHandler(new OneLineErrors());
    line.setUsageHelpAutoWidth(true);
    line.registerConverter(InetSocketAddress.class, new AddressAndPort());
    LabCommand.leaveForeignOptions(line);
    return line;
  }
}
