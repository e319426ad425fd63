package dev.here.vmm;

import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a boot loader puts things, and what it tells the guest about memory. Low memory: 0x500
 * descriptor table, 0x1000 start information, 0x7000 Linux boot parameters, 0x8ff0 stack, 0x9000
 * page tables, 0x20000 command line. The last KiB below 640 KiB is kept for the extended BIOS data
 * area.
 */
final class BootMemory {
  static final long GDT_GPA = 0x500;
  static final long START_INFO_GPA = 0x1000;
  static final long BOOT_PARAMS_GPA = 0x7000;
  static final long STACK_GPA = 0x8ff0;
  static final long PAGE_TABLES_GPA = 0x9000;
  static final long COMMAND_LINE_GPA = 0x20000;
  static final int COMMAND_LINE_BYTES = 0x10000;
  static final long LOW_END_GPA = 0x9fc00;
  static final long HIGH_START_GPA = 0x100000;

  /** Type of memory that a system may use, the same number in E820, PVH and multiboot. */
  static final int USABLE = 1;

  static final int RESERVED = 2;

  private static final long FOUR_GIB = 1L << 32;

  /** One entry of the firmware's memory table. */
  record Range(long gpa, long sizeBytes, int type) {}

  private BootMemory() {}

  /** The firmware's memory table: low memory, the hole of the ROMs, and all RAM above 1 MiB. */
  static List<Range> ranges(MemoryMap map) {
    List<Range> ranges = new ArrayList<>();
    ranges.add(new Range(0, LOW_END_GPA, USABLE));
    ranges.add(new Range(LOW_END_GPA, HIGH_START_GPA - LOW_END_GPA, RESERVED));
    for (MemoryRegion region : map.regions()) {
      if (region.kind() == MemoryKind.RAM && region.endGpa() > HIGH_START_GPA) {
        long start = Math.max(region.gpa(), HIGH_START_GPA);
        Range last = ranges.getLast();
        if (last.type() == USABLE && last.gpa() + last.sizeBytes() == start) {
          ranges.removeLast();
          start = last.gpa();
        }
        ranges.add(new Range(start, region.endGpa() - start, USABLE));
      }
    }
    return ranges;
  }

  /** End of the RAM that begins at 1 MiB and lies below 4 GiB. */
  static long highEndGpa(MemoryMap map) {
    long end = HIGH_START_GPA;
    for (Range range : ranges(map)) {
      if (range.type() == USABLE && range.gpa() == HIGH_START_GPA) {
        end = Math.min(range.gpa() + range.sizeBytes(), FOUR_GIB);
      }
    }
    return end;
  }

  /** Writes the command line with its final zero octet. */
  static void writeCommandLine(GuestMemory memory, String commandLine, int maxBytes) {
    byte[] octets = commandLine.getBytes(StandardCharsets.ISO_8859_1);
    int limit = Math.min(maxBytes, COMMAND_LINE_BYTES - 1);
    if (octets.length > limit) {
      throw new BootException(
          "the kernel's command line has %d octets, this kernel takes %d: shorten it"
              .formatted(octets.length, limit));
    }
    for (int at = 0; at < octets.length; at++) {
      memory.putU8(COMMAND_LINE_GPA + at, octets[at]);
    }
    memory.putU8(COMMAND_LINE_GPA + octets.length, 0);
  }

  /**
   * Copies {@code module} to the highest page boundary where it ends below {@code limitGpa}.
   *
   * @param imageEndGpa the image ends here, the module must not begin before
   * @return where it begins
   */
  static long placeHigh(GuestMemory memory, MemorySegment module, long imageEndGpa, long limitGpa) {
    long gpa = (limitGpa - module.byteSize()) & -MemoryRegion.PAGE_BYTES;
    if (gpa < imageEndGpa || !memory.contains(gpa, module.byteSize())) {
      throw new BootException(
          "an initial RAM disk of %d octets does not fit between 0x%x and 0x%x: give the guest more memory"
              .formatted(module.byteSize(), imageEndGpa, limitGpa));
    }
    memory.mapped(gpa, module.byteSize(), true).copyFrom(module);
    return gpa;
  }
}
