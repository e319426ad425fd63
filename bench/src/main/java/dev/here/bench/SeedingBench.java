package dev.here.bench;

import dev.here.driver.vmm.VmmStandby;
import dev.here.machine.MemoryRegion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * How fast the first full copy of a resting guest whose pages are all pseudo-random arrives in its
 * standby's memory, against as many octets on as many plain loopback connections.
 */
final class SeedingBench implements Benchmark {
  private static final String NAME = "seeding.throughput";
  private static final long RAM_BYTES = 256L << 20;
  private static final int WARM_UP = 2;
  private static final int RUNS = 5;
  private static final double BAR = 0.8;
  private static final long PATIENCE_NANOS = 60_000_000_000L;

  /** The last pages of every connection are among them. */
  private static final int LAST_PAGES = 512;

  @Override
  public List<String> names() {
    return List.of(NAME);
  }

  @Override
  public List<Figure> measure(Set<String> wanted, Path folder) throws InterruptedException {
    double[] seeding = new double[RUNS];
    double[] plain = new double[RUNS];
    try (BenchVm vm = new BenchVm(folder, RAM_BYTES)) {
      vm.rest();
      for (int run = -WARM_UP; run < RUNS; run++) {
        long plainNanos = PlainSockets.carryNanos(vm.ram(), Loopback.STREAMS);
        long seedingNanos = seed(vm);
        if (run >= 0) {
          plain[run] = megabytesPerSecond(plainNanos);
          seeding[run] = megabytesPerSecond(seedingNanos);
        }
      }
    } catch (IOException e) {
      throw new BenchException("the plain connections failed: " + e.getMessage(), e);
    }
    return List.of(
        Figure.atLeast(NAME, Figure.median(seeding), "MB/s", Figure.median(plain), BAR, RUNS));
  }

  private static double megabytesPerSecond(long nanos) {
    return RAM_BYTES / 1e6 / (nanos / 1e9);
  }

  private static long seed(BenchVm vm) throws InterruptedException {
    VmmStandby next = vm.spare();
    try (ProtectedGuest guest = vm.protect(next)) {
      long start = guest.awaitSeeding();
      awaitArrival(vm.ram(), next.memory());
      long nanos = System.nanoTime() - start;
      guest.awaitProtected();
      return nanos;
    } finally {
      vm.end(next);
    }
  }

  /** Pages arrive in their order on each connection: when the last ones are here, all are. */
  private static void awaitArrival(MemorySegment source, MemorySegment arrived) {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    for (int page = 1; page <= LAST_PAGES; page++) {
      long lastWord = RAM_BYTES - (long) (page - 1) * MemoryRegion.PAGE_BYTES - Long.BYTES;
      while (arrived.get(ValueLayout.JAVA_LONG, lastWord)
          != source.get(ValueLayout.JAVA_LONG, lastWord)) {
        if (System.nanoTime() > deadline) {
          throw new BenchException("the seeding has not ended within 60 s");
        }
        Rest.nanos(100_000);
      }
    }
  }
}
