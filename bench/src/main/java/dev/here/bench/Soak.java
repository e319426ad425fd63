package dev.here.bench;

import dev.here.driver.vmm.VmmStandby;
import dev.here.hypervisor.HypervisorException;
import dev.here.replication.InProcessOwnership;
import dev.here.replication.ReplicationException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Many failovers of one guest, each to the next VMM process, at moments that a seed decides: kill,
 * hang and switchover in turn. Every 15th begins with a new guest and nothing that was started
 * ahead. The tally is kept in a file after each, so that an interrupted run is resumed.
 */
public final class Soak {
  private static final int FRESH_EACH = 15;

  private final Path folder;
  private final Optional<Path> tallyFile;
  private final Consumer<String> print;

  /**
   * @param folder for sockets and logs; exists
   * @param tallyFile kept after each failover and resumed from; empty keeps nothing
   * @param print takes lines about how it goes
   */
  public Soak(Path folder, Optional<Path> tallyFile, Consumer<String> print) {
    this.folder = folder;
    this.tallyFile = tallyFile;
    this.print = print;
  }

  /**
   * Runs until {@code failovers} were done in all, {@code deadlineNanos} (monotonic) has passed, or
   * one went wrong.
   *
   * @param seed of the run; another than the kept one begins anew; empty goes on with the kept one
   */
  public SoakTally run(int failovers, Optional<Long> seed, long deadlineNanos)
      throws IOException, InterruptedException {
    SoakTally tally = resumed(failovers, seed);
    while (tally.done() < failovers && tally.clean() && System.nanoTime() < deadlineNanos) {
      int stretch = Math.min(failovers - tally.done(), FRESH_EACH - tally.done() % FRESH_EACH);
      tally = runStretch(tally, stretch, deadlineNanos);
    }
    return tally;
  }

  private SoakTally resumed(int failovers, Optional<Long> seed) {
    Optional<SoakTally> kept =
        tallyFile
            .flatMap(SoakTally::read)
            .filter(SoakTally::clean)
            .filter(tally -> tally.done() < failovers)
            .filter(tally -> seed.isEmpty() || seed.get() == tally.seed());
    if (kept.isPresent()) {
      print.accept(
          "resuming seed %d after %d failovers".formatted(kept.get().seed(), kept.get().done()));
      return kept.get();
    }
    return SoakTally.begin(seed.orElseGet(System::nanoTime));
  }

  /** A new guest and its failovers. */
  private SoakTally runStretch(SoakTally begun, int failovers, long deadlineNanos)
      throws IOException, InterruptedException {
    SoakTally tally = begun;
    long guestSeed = begun.seed() + begun.done();
    try (BareMetalVm vm = new BareMetalVm(folder, guestSeed)) {
      UUID name = UUID.randomUUID();
      InProcessOwnership witness = new InProcessOwnership();
      NumberOutput.Seen seen = new NumberOutput.Seen(vm.vcpus());
      SoakRound.Running running =
          new SoakRound.Running(vm.boot(), witness.of(name).acquire().orElseThrow());
      for (int at = 0; at < failovers && System.nanoTime() < deadlineNanos; at++) {
        long start = System.nanoTime();
        SplittableRandom random = new SplittableRandom(begun.seed() * 31 + tally.done());
        SoakRound.Fault fault = SoakRound.Fault.values()[tally.done() % 3];
        boolean fresh = tally.done() % FRESH_EACH == 0;
        VmmStandby next = fresh ? vm.fresh() : vm.spare();
        double millis;
        try (SoakRound round = new SoakRound(vm, name, witness, running, next, seen, random)) {
          running = round.run(fault);
          millis = round.times().activateNanos() / 1e6;
        }
        tally = tally.with(fault, fresh, millis, (System.nanoTime() - start) / 1e9);
        keep(tally);
        print.accept(
            "failover %d: %s%s, activated in %.0f ms; %.1f a minute"
                .formatted(
                    tally.done(),
                    fault,
                    fresh ? " (fresh processes)" : "",
                    millis,
                    tally.perMinute()));
      }
      return tally;
    } catch (SoakFailure e) {
      return failed(tally, e.kind(), e);
    } catch (HypervisorException | ReplicationException e) {
      return failed(tally, SoakFailure.Kind.LOST, e);
    }
  }

  private SoakTally failed(SoakTally before, SoakFailure.Kind kind, RuntimeException cause)
      throws IOException {
    SoakTally tally = before.with(kind);
    print.accept(
        "failover %d of seed %d, %s: %s"
            .formatted(before.done() + 1, before.seed(), kind, cause.getMessage()));
    keep(tally);
    return tally;
  }

  private void keep(SoakTally tally) throws IOException {
    if (tallyFile.isPresent()) {
      tally.write(tallyFile.get());
    }
  }
}
