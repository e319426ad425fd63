package dev.here.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Deaths of HERE's own processes on the primary, one after the other, at moments that a seed
 * decides: keeper, hered and both in turn. Every fifth kills the guest's hypervisor, too. Real
 * daemons and a stock QEMU on /dev/kvm; see {@link TwoHosts}.
 *
 * <p>What a client saw must never be undone: then no frame of an uncommitted epoch had left. A
 * guest that goes on where it was must have lost none of its answers, for nobody asks again.
 * Requests that never reached the guest are counted only: a stopped QEMU throws frames away, and a
 * gate of token buckets holds all but one of them (docs/specs/frame-gate.md, "Frames for the
 * guest").
 */
public final class DeathSoak {
  private static final int QEMU_EACH = 5;

  /** So long that a busy machine is not taken for one that hangs. */
  private static final String SUSPECT_AFTER_MILLIS = "4000";

  private final TwoHosts.Program program;
  private final Path folder;
  private final Consumer<String> print;

  /**
   * @param program the program that has the daemons as its commands
   * @param folder for sockets and logs; exists. A round that went wrong leaves a file there
   * @param print takes a line about each round
   */
  public DeathSoak(TwoHosts.Program program, Path folder, Consumer<String> print) {
    this.program = program;
    this.folder = folder;
    this.print = print;
  }

  /** Runs {@code deaths} rounds, or until {@code deadlineNanos} (monotonic) has passed. */
  public DeathTally run(int deaths, long seed, long deadlineNanos)
      throws IOException, InterruptedException {
    DeathTally tally = DeathTally.begin(seed);
    Path own = Files.createDirectories(folder.resolve("hosts"));
    try (TwoHosts hosts = TwoHosts.start(own, program, "--suspect-after", SUSPECT_AFTER_MILLIS)) {
      Optional<ServiceGuest> guest = Optional.empty();
      while (tally.done() < deaths && System.nanoTime() < deadlineNanos) {
        long start = System.nanoTime();
        ServiceGuest running =
            guest.isPresent() ? guest.get() : fresh(hosts, "mortal" + tally.done());
        DeathRound.Result result = round(hosts, running, seed, tally.done());
        tally = tally.with(result, (System.nanoTime() - start) / 1e9);
        tell(hosts, tally, result);
        guest = Optional.of(running);
        if (!result.problems().isEmpty() || result.outcome() != DeathTally.Outcome.PROTECTED) {
          running.close();
          guest = Optional.empty();
        }
      }
      guest.ifPresent(ServiceGuest::close);
    }
    return tally;
  }

  private static ServiceGuest fresh(TwoHosts hosts, String name) {
    hosts.await("both daemons answer", () -> hosts.answers("a") && hosts.answers("b"));
    ServiceGuest guest = hosts.boot(name);
    guest.protect();
    guest.awaitAnswers();
    return guest;
  }

  private static DeathRound.Result round(TwoHosts hosts, ServiceGuest guest, long seed, int number)
      throws InterruptedException {
    DeathTally.Victim[] victims = DeathTally.Victim.values();
    return new DeathRound(
            hosts,
            guest,
            new SplittableRandom(seed * 31 + number),
            victims[number % victims.length],
            number % QEMU_EACH == QEMU_EACH - 1)
        .run();
  }

  private void tell(TwoHosts hosts, DeathTally tally, DeathRound.Result result) throws IOException {
    boolean good = result.problems().isEmpty();
    print.accept(
        "death %d: %s: %s after %.1f s%s"
            .formatted(
                tally.done(),
                result.story(),
                good ? result.outcome() : "FAILED: " + String.join("; ", result.problems()),
                result.seconds(),
                result.gapMillis() > 0
                    ? ", %s, longest gap %.0f ms".formatted(result.losses(), result.gapMillis())
                    : ""));
    if (!good) {
      Files.writeString(folder.resolve("death-%d.txt".formatted(tally.done())), hosts.story());
    }
  }
}
