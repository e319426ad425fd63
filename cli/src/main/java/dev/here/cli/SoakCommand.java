package dev.here.cli;

import dev.here.bench.DeathSoak;
import dev.here.bench.DeathTally;
import dev.here.bench.Soak;
import dev.here.bench.SoakTally;
import dev.here.bench.TwoHosts;
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

  @Option(names = "--failovers", description = "How many in all (default: 300, with --lab 15).")
  private Optional<Integer> failovers = Optional.empty();

  @Option(
      names = "--lab",
      description = "With a Linux guest between the lab's virtual hosts, two minutes each.")
  private boolean lab;

  @Option(
      names = "--pair",
      converter = DemoPair.Converter.class,
      paramLabel = "qemu:kvm|xen:kvm",
      defaultValue = "qemu:kvm",
      description = "With --lab: hypervisors of the two hosts (default: qemu:kvm).")
  private DemoPair pair = DemoPair.QEMU_KVM;

  @Option(
      names = "--deaths",
      paramLabel = "N",
      description =
          "So many deaths of keeper, hered or both, at random moments, between two hosts on"
              + " /dev/kvm; of QEMU too in every fifth.")
  private Optional<Integer> deaths = Optional.empty();

  @Option(names = "--seed", description = "Of the random moments; by default the kept run's.")
  private Optional<Long> seed = Optional.empty();

  @Option(
      names = "--minutes",
      defaultValue = "60",
      description = "Stop after so long; the next run goes on.")
  private int minutes;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (deaths.isPresent()) {
      return deaths(deaths.get());
    }
    return lab ? inLab() : here(failovers.orElse(300));
  }

  private int deaths(int wanted) throws IOException, InterruptedException {
    TwoHosts.unavailable()
        .ifPresent(reason -> {
          throw new HereProgram.Refusal("no daemons can be tried here: " + reason);
        });
    PrintWriter out = spec.commandLine().getOut();
    Path folder = Files.createTempDirectory("here-deaths");
    long chosen = seed.orElseGet(System::nanoTime);
    out.printf("soak: seed %d, logs in %s%n", chosen, folder);
    DeathTally tally =
        new DeathSoak(
                HereProgram::command,
                folder,
                line -> {
                  out.println(line);
                  out.flush();
                })
            .run(wanted, chosen, deadlineNanos());
    tally.bad().forEach(line -> out.println("soak: FAILED: " + line));
    out.printf("soak: %s%n", tally.summary(wanted));
    out.flush();
    return tally.clean() ? 0 : 1;
  }

  private int inLab() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    int wanted = failovers.orElse(15);
    LabSoak.Tally tally =
        new LabSoak(
                pair,
                stateFile("soak-lab-%s.json".formatted(pair.word().replace(':', '-'))),
                out,
                new DemoScreen(spec.commandLine().getErr(), false))
            .run(wanted, deadlineNanos());
    out.printf(
        "soak: %s: %d of %d failovers with Linux in the lab %s, %d with something lost; %.1f a minute%n",
        pair.word(),
        tally.total(),
        wanted,
        tally.done(),
        tally.bad().size(),
        60 * tally.total() / Math.max(1, tally.seconds()));
    out.flush();
    return tally.bad().isEmpty() ? 0 : 1;
  }

  private long deadlineNanos() {
    return System.nanoTime() + TimeUnit.MINUTES.toNanos(minutes);
  }

  private int here(int wanted) throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    Path folder = Files.createTempDirectory("here-soak");
    Soak soak =
        new Soak(
            folder,
            Optional.of(stateFile("soak.json")),
            line -> {
              out.println(line);
              out.flush();
            });
    SoakTally tally = soak.run(wanted, seed, deadlineNanos());
    out.printf(
        "soak: seed %d: %d of %d failovers (%d kills, %d hangs, %d switchovers; %d with fresh"
            + " processes), %d lost, %d corrupt, %d doubled; %.1f a minute, slowest activation %.0f"
            + " ms%n",
        tally.seed(),
        tally.done(),
        wanted,
        tally.kills(),
        tally.hangs(),
        tally.switchovers(),
        tally.fresh(),
        tally.lost(),
        tally.corrupt(),
        tally.doubled(),
        tally.perMinute(),
        tally.activateMillisWorst());
    if (tally.clean() && tally.done() < wanted) {
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

  private static Path stateFile(String name) {
    String state = System.getenv("XDG_STATE_HOME");
    Path base =
        state == null || state.isBlank()
            ? Path.of(System.getProperty("user.home"), ".local", "state")
            : Path.of(state);
    return base.resolve("here").resolve(name);
  }
}
