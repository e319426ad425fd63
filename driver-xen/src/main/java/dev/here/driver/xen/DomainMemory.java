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
import java.util.List;

/**
 * All of a domain's memory, mapped once and kept mapped: runs of guest frames that have memory, one
 * after the other in the backing of the {@link MemoryMap}. hvmloader puts RAM where QEMU's own
 * machine has none (the BIOS area, ACPI tables and special pages below 4 GiB): the runs are found
 * by trying to map every frame, and nothing is assumed.
 */
final class DomainMemory implements AutoCloseable {
  private static final long CHUNK_FRAMES = 1 << 16;
  private static final long NEXT_WORD = 64;

  /**
   * Frames with memory, one after the other.
   *
   * @param firstFrame guest frame number
   * @param firstPage page index of the first
   * @param address where the first is mapped
   */
  private record Run(long firstFrame, int pages, int firstPage, MemorySegment mapped) {
    long endFrame() {
      return firstFrame + pages;
    }
  }

  /** What was mapped in one call. */
  private record Mapping(long address, long pages) {}

  private final ForeignMemory foreign;
  private final List<Mapping> mappings = new ArrayList<>();
  private final List<Run> runs = new ArrayList<>();
  private final MemoryMap map;
  private final long frames;

  /**
   * Maps everything.
   *
   * @param frames one more than the highest frame number
   */
  DomainMemory(ForeignMemory foreign, int domain, long frames) {
    this.foreign = foreign;
    this.frames = frames;
    try {
      int pages = 0;
      for (long first = 0; first < frames; first += CHUNK_FRAMES) {
        pages = mapChunk(domain, first, Math.min(CHUNK_FRAMES, frames - first), pages);
      }
      map = new MemoryMap((long) pages * MemoryRegion.PAGE_BYTES, regions());
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Tries all frames of a chunk, then maps those with memory alone. Returns the pages so far. */
  private int mapChunk(int domain, long first, long count, int pagesBefore) {
    int pages = pagesBefore;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment numbers = arena.allocate(JAVA_LONG, count);
      MemorySegment errors = arena.allocate(JAVA_INT, count);
      for (long i = 0; i < count; i++) {
        numbers.setAtIndex(JAVA_LONG, i, first + i);
      }
      long address;
      try {
        address = foreign.map(domain, numbers, errors, count);
      } catch (HypervisorException e) {
        // The library refuses a mapping of which not one page could be had.
        return pages;
      }
      mappings.add(new Mapping(address, count));
      long i = 0;
      while (i < count) {
        long begin = i;
        while (i < count && errors.getAtIndex(JAVA_INT, i) == 0) {
          i++;
        }
        if (i > begin) {
          pages = append(first + begin, Math.toIntExact(i - begin), pages, address, begin);
        } else {
          i++;
        }
      }
    }
    return pages;
  }

  private int append(long frame, int count, int firstPage, long address, long offsetPages) {
    MemorySegment mapped =
        MemorySegment.ofAddress(address + offsetPages * MemoryRegion.PAGE_BYTES)
            .reinterpret((long) count * MemoryRegion.PAGE_BYTES);
    runs.add(new Run(frame, count, firstPage, mapped));
    return firstPage + count;
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

  /** How many frames with memory have a bit in {@code bitmap}. */
  int count(MemorySegment bitmap) {
    int found = 0;
    for (Run run : runs) {
      long frame = nextSet(bitmap, run.firstFrame(), run.endFrame());
      while (frame < run.endFrame()) {
        found++;
        frame = nextSet(bitmap, frame + 1, run.endFrame());
      }
    }
    return found;
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
    mappings.forEach(mapping -> foreign.unmap(mapping.address(), mapping.pages()));
    mappings.clear();
    runs.clear();
  }
}
