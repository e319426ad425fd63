package dev.here.cli;

import dev.here.formats.state.CheckpointFile;
import dev.here.formats.state.MachineStateCodec;
import dev.here.formats.state.StateDiff;
import dev.here.formats.state.StateText;
import dev.here.machine.LostField;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows and compares checkpoint files. */
@Command(name = "state", description = "Shows and compares machine states in checkpoint files.")
final class StateCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  @Command(description = "Shows a machine state and what its translation left behind.")
  int show(
      @Parameters(paramLabel = "FILE") Path file,
      @Option(names = "--json", description = "One JSON object.") boolean json)
      throws IOException {
    try (CheckpointFile checkpoint = new CheckpointFile(file)) {
      var out = spec.commandLine().getOut();
      if (json) {
        out.println(MachineStateCodec.text(MachineStateCodec.encode(checkpoint.state())));
        return 0;
      }
      out.print(StateText.render(MachineStateCodec.tree(checkpoint.state())));
      out.println("memory in this file: " + (checkpoint.hasMemory() ? "yes" : "no"));
      List<LostField> lost = checkpoint.report().lost();
      out.println(
          lost.isEmpty() ? "lost in translation: nothing" : "lost in translation: " + lost.size());
      for (LostField field : lost) {
        out.printf("  %s = %s: %s%n", field.path(), field.value(), field.reason());
      }
      out.flush();
      return 0;
    }
  }

  @Command(
      description = "Lists what differs between two machine states; exit code 1 if anything does.")
  int diff(
      @Parameters(paramLabel = "A") Path before,
      @Parameters(paramLabel = "B") Path after,
      @Option(names = "--json", description = "One JSON object a line.") boolean json)
      throws IOException {
    try (CheckpointFile first = new CheckpointFile(before);
        CheckpointFile second = new CheckpointFile(after)) {
      var differences =
          StateDiff.between(
              MachineStateCodec.tree(first.state()), MachineStateCodec.tree(second.state()));
      var out = spec.commandLine().getOut();
      for (StateDiff.Difference difference : differences) {
        out.println(
            json
                ? MachineStateCodec.tree(difference).toString()
                : "%s: %s -> %s"
                    .formatted(difference.path(), difference.before(), difference.after()));
      }
      out.flush();
      return differences.isEmpty() ? 0 : 1;
    }
  }
}
