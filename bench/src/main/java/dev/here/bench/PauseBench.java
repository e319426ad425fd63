package dev.here.bench;

import dev.here.driver.vmm.VmmStandby;
import dev.here.machine.MemoryRegion;
import dev.here.replication.ProtectionStatus;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * How long the guest stands still for a checkpoint of n scattered dirty pages, against a plain copy
 * of the same pages, written by the guest just before as well, into memory that was touched before.
 */
final class PauseBench implements Benchmark {
  private static final List<Integer> PAGES = List.of(200, 2_000, 20_000);
  private static final String PREFIX = "pause.staged.";
  private static final long RAM_BYTES = 256L << 20;
  private static final int WARM_UP = 5;
  private static final int RUNS = 15;
  private static final double FACTOR = 1.3;
  private static final double EXTRA_MILLIS = 1;

  /** The guest's own answers, and what stands on the same pages. */
  private static final int MOST_OTHER_PAGES = 8;

  @Override
  public List<String> names() {
    return PAGES.stream().map(pages -> PREFIX + pages).toList();
  }

  @Override
  public List<Figure> measure(Set<String> wanted, Path folder) throws InterruptedException {
    List<Figure> figures = new ArrayList<>();
    try (BenchVm vm = new BenchVm(folder, RAM_BYTES);
        Arena arena = Arena.ofShared()) {
      MemorySegment copy = arena.allocate(RAM_BYTES, MemoryRegion.PAGE_BYTES);
      copy.fill((byte) 1);
      VmmStandby next = vm.spare();
      try (ProtectedGuest guest = vm.protect(next)) {
        guest.warmUp();
        for (int pages : PAGES) {
          if (wanted.contains(PREFIX + pages)) {
            figures.add(measure(vm, guest, pages, copy));
          }
        }
      }
    }
    return figures;
  }

  private static Figure measure(BenchVm vm, ProtectedGuest guest, int pages, MemorySegment copy)
      throws InterruptedException {
    double[] pauses = new double[RUNS];
    double[] copies = new double[RUNS];
    for (int run = -WARM_UP; run < RUNS; run++) {
      long[] copyNanos = new long[1];
      ProtectionStatus status =
          guest.checkpoint(() -> {
            vm.write(pages, WritingGuest.Pattern.WORD);
            copyNanos[0] = copyNanos(vm.ram(), pages, copy);
            vm.write(pages, WritingGuest.Pattern.WORD);
          });
      requirePages(status, pages);
      if (run >= 0) {
        pauses[run] = status.pause().pauseNanos() / 1e6;
        copies[run] = copyNanos[0] / 1e6;
      }
    }
    double reference = Figure.median(copies);
    double bar = FACTOR + EXTRA_MILLIS / reference;
    return Figure.atMost(PREFIX + pages, Figure.median(pauses), "ms", reference, bar, RUNS);
  }

  private static long copyNanos(MemorySegment ram, int pages, MemorySegment copy) {
    long start = System.nanoTime();
    for (int page = 0; page < pages; page++) {
      MemorySegment.copy(
          ram,
          WritingGuest.pageGpa(page),
          copy,
          (long) page * MemoryRegion.PAGE_BYTES,
          MemoryRegion.PAGE_BYTES);
    }
    return System.nanoTime() - start;
  }

  /** A checkpoint of other pages would be another figure. */
  static void requirePages(ProtectionStatus status, int pages) {
    if (status.dirtyPages() < pages || status.dirtyPages() > pages + MOST_OTHER_PAGES) {
      throw new BenchException(
          "a checkpoint has %d dirty pages where the guest wrote %d"
              .formatted(status.dirtyPages(), pages));
    }
  }
}
