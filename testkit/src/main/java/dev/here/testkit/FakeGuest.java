package dev.here.testkit;

import dev.here.machine.ClockState;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;

/**
 * A guest that is a formula: what its memory holds after tick <em>k</em> follows from a seed and k
 * alone, so any copy of it can be checked without asking the one it was taken from. Each tick
 * changes a few pages (some words, a whole page, or a page to zeros) and writes its number at the
 * start of memory.
 */
public final class FakeGuest {
  private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final int WORDS = MemoryRegion.PAGE_BYTES / Long.BYTES;

  private final long seed;
  private final int pageCount;

  /** A guest of {@code pageCount} pages, at least 2. */
  public FakeGuest(long seed, int pageCount) {
    if (pageCount < 2) {
      throw new IllegalArgumentException("a fake guest has 2 pages at least, not " + pageCount);
    }
    this.seed = seed;
    this.pageCount = pageCount;
  }

  public int pageCount() {
    return pageCount;
  }

  /** Octets of memory. */
  public long sizeBytes() {
    return (long) pageCount * MemoryRegion.PAGE_BYTES;
  }

  /** Executes tick {@code number} in {@code memory}; {@code dirty} is told each page it changes. */
  public void tick(MemorySegment memory, long number, IntConsumer dirty) {
    SplittableRandom random = new SplittableRandom(seed * 0x9e3779b97f4a7c15L + number);
    int changes = 1 + random.nextInt(4);
    for (int change = 0; change < changes; change++) {
      int page = 1 + random.nextInt(pageCount - 1);
      long offset = (long) page * MemoryRegion.PAGE_BYTES;
      switch (random.nextInt(8)) {
        case 0 -> memory.asSlice(offset, MemoryRegion.PAGE_BYTES).fill((byte) 0);
        case 1 -> {
          for (int word = 0; word < WORDS; word++) {
            memory.set(WORD, offset + word * 8L, random.nextLong());
          }
        }
        default -> {
          int words = 1 + random.nextInt(16);
          for (int word = 0; word < words; word++) {
            memory.set(WORD, offset + random.nextInt(WORDS) * 8L, random.nextLong());
          }
        }
      }
      dirty.accept(page);
    }
    memory.set(WORD, 0, number);
    dirty.accept(0);
  }

  /** The last tick executed in {@code memory}. */
  public static long ticks(MemorySegment memory) {
    return memory.get(WORD, 0);
  }

  /** Executes ticks 1 to {@code ticks} in {@code zeros}, which holds zeros. */
  public void replay(MemorySegment zeros, long ticks) {
    for (long number = 1; number <= ticks; number++) {
      tick(zeros, number, page -> {});
    }
  }

  /** The machine state after tick {@code ticks}: its clock shows the tick. */
  public MachineState machine(long ticks) {
    MachineState sample = SampleMachine.state(seed, 1, pageCount);
    return new MachineState(
        sample.version(),
        sample.platform(),
        sample.memory(),
        sample.vcpus(),
        sample.pic(),
        sample.ioApic(),
        sample.pit(),
        sample.rtc(),
        sample.hpet(),
        sample.acpiPm(),
        sample.pci(),
        sample.virtio(),
        sample.isa(),
        new ClockState(sample.clock().tscKhz(), ticks, 0, 0));
  }

  /** The tick that a machine state of this guest stands at. */
  public static long ticks(MachineState machine) {
    return machine.clock().kvmClockNanos();
  }
}
