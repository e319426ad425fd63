package dev.here.cli;

import java.net.InetSocketAddress;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/** The command line's root. */
@Command(
    name = "here",
    description = "Keeps a running virtual machine alive across hosts and hypervisors.",
    subcommands = {
      HelpCommand.class,
      DoctorCommand.class,
      DemoCommand.class,
      LabCommand.class,
      ProtectCommand.class,
      StatusCommand.class,
      FailoverCommand.class,
      UnprotectCommand.class,
      BenchCommand.class,
      SoakCommand.class,
      StateCommand.class,
      VmCommand.class,
      HeredCommand.class,
      WitnessCommand.class
    },
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Also: here test [--lab-full | --soak], here lint (run by the launcher).",
      "Exit codes: 0 done, 1 failed or refused (one line says why), 2 wrong use."
    })
public final class Here {
  private Here() {}

  public static void main(String[] arguments) {
    CommandLine line = new CommandLine(new Here());
    line.setExecutionExceptionHandler(new OneLineErrors());
    line.setUsageHelpAutoWidth(true);
    line.registerConverter(InetSocketAddress.class, new AddressAndPort());
    LabCommand.leaveForeignOptions(line);
    System.exit(line.execute(arguments.length == 0 ? new String[] {"help"} : arguments));
  }
}
