package dev.here.driver.xen;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.PageSink;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalLong;

/**
 * All of a domain's memory, mapped once and kept mapped: runs of guest frames that have memory, one
 * after the other in the backing of the {@link MemoryMap}. hvmloader puts RAM where QEMU's own
 * machine has none (the BIOS area, ACPI tables and special pages below 4 GiB): the runs are found
 * by asking for every frame ({@link FrameSearch}), and nothing is assumed.
 */
final class DomainMemory implements AutoCloseable {
  /** Most pages that are mapped in one call. */
  private static final int RUN_PAGES = 1 << 16;

  private static final long NEXT_WORD = 64;

  /**
   * Frames with memory, one after the other.
   *
   * @param firstFrame guest frame number
   * @param firstPage page index of the first
   * @param mapped where they are mapped
   */
  private record Run(long firstFrame, int pages, int firstPage, MemorySegment mapped) {
    long endFrame() {
      return firstFrame + pages;
    }
  }

  private final ForeignMemory foreign;
  private final List<Run> runs = new ArrayList<>();
  private final MemoryMap map;
  private final long frames;

  /** Maps everything. */
  DomainMemory(XenControl control, ForeignMemory foreign, int domain, long domainPages) {
    this.foreign = foreign;
    this.frames = control.maximumGfn(domain) + 1;
    try {
      BitSet found = new FrameSearch(control, domain, frames, domainPages).run();
      for (int begin = found.nextSetBit(0); begin >= 0; ) {
        int end = found.nextClearBit(begin);
        mapRun(domain, begin, end);
        begin = found.nextSetBit(end);
      }
      map = new MemoryMap((long) pages() * MemoryRegion.PAGE_BYTES, regions());
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private int pages() {
    return runs.isEmpty() ? 0 : runs.getLast().firstPage() + runs.getLast().pages();
  }

  private void mapRun(int domain, long begin, long end) {
    for (long first = begin; first < end; first += RUN_PAGES) {
      mapPart(domain, first, (int) Math.min(RUN_PAGES, end - first));
    }
  }

  private void mapPart(int domain, long first, int count) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment numbers = arena.allocate(JAVA_LONG, count);
      MemorySegment errors = arena.allocate(JAVA_INT, count);
      for (int i = 0; i < count; i++) {
        numbers.setAtIndex(JAVA_LONG, i, first + i);
      }
      long address = foreign.map(domain, numbers, errors, count);
      runs.add(
          new Run(
              first,
              count,
              pages(),
              MemorySegment.ofAddress(address)
                  .reinterpret((long) count * MemoryRegion.PAGE_BYTES)));
      for (int i = 0; i < count; i++) {
        if (errors.getAtIndex(JAVA_INT, i) != 0) {
          throw new HypervisorException(
              "Xen: frame %x of domain %d has memory that cannot be mapped (error %d)"
                  .formatted(first + i, domain, errors.getAtIndex(JAVA_INT, i)));
        }
      }
    }
  }

  /** Runs that touch, in guest frames and in the backing, are one region. */
  private List<MemoryRegion> regions() {
    List<MemoryRegion> regions = new ArrayList<>();
    int i = 0;
    while (i < runs.size()) {
      Run first = runs.get(i);
      long end = first.endFrame();
      i++;
      while (i < runs.size() && runs.get(i).firstFrame() == end) {
        end = runs.get(i).endFrame();
        i++;
      }
      regions.add(
          new MemoryRegion(
              "ram-%x".formatted(first.firstFrame()),
              first.firstFrame() * MemoryRegion.PAGE_BYTES,
              (end - first.firstFrame()) * MemoryRegion.PAGE_BYTES,
              MemoryKind.RAM,
              (long) first.firstPage() * MemoryRegion.PAGE_BYTES));
    }
    return regions;
  }

  MemoryMap map() {
    return map;
  }

  /** One more than the highest frame number. */
  long frames() {
    return frames;
  }

  /** The eight octets at an aligned guest-physical address, if there is memory. */
  OptionalLong word(long address) {
    long frame = address / MemoryRegion.PAGE_BYTES;
    for (Run run : runs) {
      if (frame >= run.firstFrame() && frame < run.endFrame()) {
        return OptionalLong.of(
            run.mapped()
                .get(JAVA_LONG, address - run.firstFrame() * (long) MemoryRegion.PAGE_BYTES));
      }
    }
    return OptionalLong.empty();
  }

  /** Delivers every page. */
  void deliverAll(PageSink sink) {
    for (Run run : runs) {
      for (int page = 0; page < run.pages(); page++) {
        sink.page(run.firstPage() + page, run.mapped(), (long) page * MemoryRegion.PAGE_BYTES);
      }
    }
  }

  /**
   * Delivers the pages whose frames have a bit in {@code bitmap}.
   *
   * @return how many
   */
  int deliver(MemorySegment bitmap, PageSink sink) {
    int delivered = 0;
    for (Run run : runs) {
      long frame = nextSet(bitmap, run.firstFrame(), run.endFrame());
      while (frame < run.endFrame()) {
        int page = (int) (frame - run.firstFrame());
        sink.page(run.firstPage() + page, run.mapped(), (long) page * MemoryRegion.PAGE_BYTES);
        delivered++;
        frame = nextSet(bitmap, frame + 1, run.endFrame());
      }
    }
    return delivered;
  }

  /** The first frame from {@code from} on with a bit; {@code end} when there is none before it. */
  private static long nextSet(MemorySegment bitmap, long from, long end) {
    long frame = from;
    while (frame < end) {
      long word = bitmap.getAtIndex(JAVA_LONG, frame / NEXT_WORD) >>> (frame % NEXT_WORD);
      if (word != 0) {
        return Math.min(end, frame + Long.numberOfTrailingZeros(word));
      }
      frame += NEXT_WORD - frame % NEXT_WORD;
    }
    return end;
  }

  @Override
  public void close() {
    runs.forEach(run -> foreign.unmap(run.mapped().address(), run.pages()));
    runs.clear();
  }
}
