package dev.here.bench;

import dev.here.driver.vmm.VmmStandby;
import dev.here.machine.MemoryRegion;
import dev.here.replication.ProtectionStatus;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Octets that one checkpoint puts on all connections, against the octets of its dirty pages: with a
 * new word in each cache line (the memory benchmark), and with pages that are wholly new, which
 * nothing can make shorter and which must cost hardly more than themselves.
 */
final class WireBench implements Benchmark {
  private static final String LINES = "wire.bytes";
  private static final String WHOLE = "wire.bytes.random";
  private static final long RAM_BYTES = 64L << 20;
  private static final int PAGES = 500;
  private static final int WARM_UP = 2;
  private static final int RUNS = 7;
  private static final double BAR_LINES = 1.0 / 3;
  private static final double BAR_WHOLE = 1.03;

  @Override
  public List<String> names() {
    return List.of(LINES, WHOLE);
  }

  @Override
  public List<Figure> measure(Set<String> wanted, Path folder) throws InterruptedException {
    List<Figure> figures = new ArrayList<>();
    try (BenchVm vm = new BenchVm(folder, RAM_BYTES)) {
      VmmStandby next = vm.spare();
      try (ProtectedGuest guest = vm.protect(next)) {
        guest.awaitProtected();
        if (wanted.contains(LINES)) {
          figures.add(measure(vm, guest, LINES, WritingGuest.Pattern.LINES, BAR_LINES));
        }
        if (wanted.contains(WHOLE)) {
          figures.add(measure(vm, guest, WHOLE, WritingGuest.Pattern.WHOLE, BAR_WHOLE));
        }
      }
    }
    return figures;
  }

  private static Figure measure(
      BenchVm vm, ProtectedGuest guest, String name, WritingGuest.Pattern pattern, double bar)
      throws InterruptedException {
    double[] sent = new double[RUNS];
    double[] dirty = new double[RUNS];
    for (int run = -WARM_UP; run < RUNS; run++) {
      ProtectionStatus status = guest.checkpoint(() -> vm.write(PAGES, pattern));
      PauseBench.requirePages(status, PAGES);
      if (run >= 0) {
        sent[run] = status.sentBytes() / 1e3;
        dirty[run] = status.dirtyPages() * MemoryRegion.PAGE_BYTES / 1e3;
      }
    }
    return Figure.atMost(name, Figure.median(sent), "kB", Figure.median(dirty), bar, RUNS);
  }
}
