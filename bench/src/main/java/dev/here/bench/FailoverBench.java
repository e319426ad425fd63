package dev.here.bench;

import dev.here.replication.FailoverTimes;
import dev.here.replication.InProcessOwnership;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;

/**
 * From the decision for a failover to the guest's running on its warm standby, after its VMM was
 * killed at a random moment; the reference is the bar itself.
 */
final class FailoverBench implements Benchmark {
  private static final String NAME = "failover.activate";
  private static final int WARM_UP = 1;
  private static final int RUNS = 7;
  private static final long SEED = 20;
  private static final double BAR_MILLIS = 100;

  @Override
  public List<String> names() {
    return List.of(NAME);
  }

  @Override
  public List<Figure> measure(Set<String> wanted, Path folder) throws InterruptedException {
    double[] millis = new double[RUNS];
    try (BareMetalVm vm = new BareMetalVm(folder, SEED)) {
      UUID name = UUID.randomUUID();
      InProcessOwnership witness = new InProcessOwnership();
      NumberOutput.Seen seen = new NumberOutput.Seen(vm.vcpus());
      SplittableRandom random = new SplittableRandom(SEED);
      SoakRound.Running running =
          new SoakRound.Running(vm.boot(), witness.of(name).acquire().orElseThrow());
      for (int run = -WARM_UP; run < RUNS; run++) {
        try (SoakRound round =
            new SoakRound(vm, name, witness, running, vm.spare(), seen, random)) {
          running = round.run(SoakRound.Fault.KILL);
          if (run >= 0) {
            millis[run] = decidedToRunningNanos(round.times()) / 1e6;
          }
        }
      }
    } catch (SoakFailure | IOException e) {
      throw new BenchException("a failover went wrong: " + e.getMessage(), e);
    }
    return List.of(Figure.atMost(NAME, Figure.median(millis), "ms", BAR_MILLIS, 1, RUNS));
  }

  private static long decidedToRunningNanos(FailoverTimes times) {
    return times.acquireNanos() + times.fenceNanos() + times.activateNanos();
  }
}
