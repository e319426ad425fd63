package dev.here.machine;

import java.util.List;
import java.util.Optional;

/**
 * All guest memory at one instant. Pages are numbered by their place in the backing (backing offset
 * / 4096, the <em>page index</em>), so a region that moves in guest-physical space (a BAR, a
 * shadowed ROM) moves no data. The backing's size never changes while a VM is protected; regions
 * may.
 *
 * @param backingSizeBytes size of the backing file, page-aligned
 * @param regions by rising gpa, none overlapping another in guest-physical space; at most 512
 */
public record MemoryMap(long backingSizeBytes, List<MemoryRegion> regions) {
  public MemoryMap {
    Bounds.range("memory.backingSizeBytes", backingSizeBytes, MemoryRegion.PAGE_BYTES, 1L << 43);
    Bounds.aligned("memory.backingSizeBytes", backingSizeBytes, MemoryRegion.PAGE_BYTES);
    Bounds.range("memory.regions", regions.size(), 1, 512);
    regions = List.copyOf(regions);
    long endGpa = 0;
    for (MemoryRegion region : regions) {
      if (region.gpa() < endGpa) {
        throw new InvalidMachineStateException(
            "memory region %s at 0x%x overlaps or precedes the region before it, which ends at 0x%x"
                .formatted(region.name(), region.gpa(), endGpa));
      }
      endGpa = region.endGpa();
      Bounds.range(
          region.name() + ".backing end",
          region.backingOffset() + region.sizeBytes(),
          0,
          backingSizeBytes);
    }
  }

  /** Number of pages in the backing. */
  public int pageCount() {
    return Math.toIntExact(backingSizeBytes / MemoryRegion.PAGE_BYTES);
  }

  /** The region that holds {@code gpa}. */
  public Optional<MemoryRegion> regionAt(long gpa) {
    for (MemoryRegion region : regions) {
      if (gpa >= region.gpa() && gpa < region.endGpa()) {
        return Optional.of(region);
      }
    }
    return Optional.empty();
  }
}
