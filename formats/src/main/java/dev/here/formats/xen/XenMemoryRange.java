package dev.here.formats.xen;

import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import java.util.ArrayList;
import java.util.List;

/**
 * A run of populated frames. Under Xen a guest's memory is wherever frames are populated: RAM, what
 * hvmloader has placed below 4 GiB (ACPI tables), special pages, a display's memory.
 *
 * @param firstGfn first guest frame number
 * @param pages how many
 * @param kind what it is to the guest
 */
public record XenMemoryRange(long firstGfn, long pages, MemoryKind kind) {
  private static final long MAX_GFN = 1L << 40;

  public XenMemoryRange {
    if (firstGfn < 0 || pages < 1 || firstGfn > MAX_GFN || pages > MAX_GFN) {
      throw new XenFormatException(
          -1, "a run of %d frames from %xh is no guest's memory".formatted(pages, firstGfn));
    }
  }

  /** All frames, one range after the other in the backing. */
  static MemoryMap map(List<XenMemoryRange> ranges) {
    var regions = new ArrayList<MemoryRegion>();
    long offset = 0;
    for (XenMemoryRange range : ranges) {
      long gpa = range.firstGfn() * MemoryRegion.PAGE_BYTES;
      long sizeBytes = range.pages() * MemoryRegion.PAGE_BYTES;
      regions.add(
          new MemoryRegion("xen.ram@%x".formatted(gpa), gpa, sizeBytes, range.kind(), offset));
      offset += sizeBytes;
    }
    return new MemoryMap(offset, regions);
  }
}
