package dev.here.bench;

import dev.here.driver.vmm.VmmStandby;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * Memory that the warm standby of a guest of 1 GiB takes, all of whose pages are in use: the
 * replica's memory, and what else its VMM process has (its share of what it shares with others).
 * The receiver's staging is not in it.
 */
final class MemoryBench implements Benchmark {
  private static final String NAME = "memory.standby";
  private static final long RAM_BYTES = 1L << 30;
  private static final int RUNS = 3;
  private static final double BAR = 1.1;
  private static final double MIB = 1 << 20;

  @Override
  public List<String> names() {
    return List.of(NAME);
  }

  @Override
  public List<Figure> measure(Set<String> wanted, Path folder) throws InterruptedException {
    double[] standby = new double[RUNS];
    try (BenchVm vm = new BenchVm(folder, RAM_BYTES)) {
      vm.rest();
      for (int run = 0; run < RUNS; run++) {
        VmmStandby next = vm.spare();
        try (ProtectedGuest guest = vm.protect(next)) {
          guest.awaitProtected();
          long pid = next.process().orElseThrow().pid();
          standby[run] = (residentBytes(next.memory()) + ownBytes(pid)) / MIB;
        } finally {
          vm.end(next);
        }
      }
    } catch (IOException e) {
      throw new BenchException("the memory of a process cannot be read: " + e.getMessage(), e);
    }
    return List.of(Figure.atMost(NAME, Figure.median(standby), "MiB", RAM_BYTES / MIB, BAR, RUNS));
  }

  /** Pages of a mapping of this process that are there (proc_pid_smaps(5), Rss). */
  private static long residentBytes(MemorySegment mapping) throws IOException {
    long sum = 0;
    boolean inside = false;
    for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
      String first = line.substring(0, line.indexOf(' '));
      if (!first.endsWith(":")) {
        long begin = Long.parseUnsignedLong(first.substring(0, first.indexOf('-')), 16);
        long offset = begin - mapping.address();
        inside = offset >= 0 && offset < mapping.byteSize();
      } else if (inside && first.equals("Rss:")) {
        sum += kibibytes(line);
      }
    }
    return sum << 10;
  }

  /** A process's memory but for what it shares through memfds (Pss_Anon and Pss_File). */
  private static long ownBytes(long pid) throws IOException {
    return Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup")).stream()
            .filter(line -> line.startsWith("Pss_Anon:") || line.startsWith("Pss_File:"))
            .mapToLong(MemoryBench::kibibytes)
            .sum()
        << 10;
  }

  private static long kibibytes(String line) {
    return Long.parseLong(line.replaceAll("[^0-9]", ""));
  }
}
