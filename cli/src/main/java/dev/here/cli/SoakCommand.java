package dev.here.cli;

import dev.here.bench.Soak;
import dev.here.bench.SoakTally;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Many failovers between VMM processes of this machine; behind {@code here test --soak}. */
@Command(
    name = "test-soak",
    hidden = true,
    description =
        "Many failovers between VMM processes of this machine, at random moments; goes on where an"
            + " interrupted run ended.")
final class SoakCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--failovers", defaultValue = "300", description = "How many in all.")
  private int failovers;

  @Option(names = "--seed", description = "Of the random moments; by default the kept run's.")
  private Optional<Long> seed = Optional.empty();

  @Option(
      names = "--minutes",
      defaultValue = "60",
      description = "Stop after so long; the next run goes on.")
  private int minutes;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    Path folder = Files.createTempDirectory("here-soak");
    Soak soak =
        new Soak(
            folder,
            Optional.of(tallyFile()),
            line -> {
              out.println(line);
              out.flush();
            });
    SoakTally tally =
        soak.run(failovers, seed, System.nanoTime() + TimeUnit.MINUTES.toNanos(minutes));
    out.printf(
        "soak: seed %d: %d of %d failovers (%d kills, %d hangs, %d switchovers; %d with fresh"
            + " processes), %d lost, %d corrupt, %d doubled; %.1f a minute, slowest activation %.0f"
            + " ms%n",
        tally.seed(),
        tally.done(),
        failovers,
        tally.kills(),
        tally.hangs(),
        tally.switchovers(),
        tally.fresh(),
        tally.lost(),
        tally.corrupt(),
        tally.doubled(),
        tally.perMinute(),
        tally.activateMillisWorst());
    if (tally.clean() && tally.done() < failovers) {
      out.println("soak: time is up; the same command goes on from here");
    }
    out.flush();
    if (!tally.clean()) {
      out.println("soak: logs of the VMM processes: " + folder);
      out.flush();
      return 1;
    }
    remove(folder);
    return 0;
  }

  private static void remove(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  private static Path tallyFile() {
    String state = System.getenv("XDG_STATE_HOME");
    Path base =
        state == null || state.isBlank()
            ? Path.of(System.getProperty("user.home"), ".local", "state")
            : Path.of(state);
    return base.resolve("here").resolve("soak.json");
  }
}
