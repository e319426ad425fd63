package dev.here.machine;

/**
 * A run of guest-physical addresses with memory behind it. The same backing may appear in several
 * regions (an alias, for example a BIOS below 1 MiB and below 4 GiB).
 *
 * @param name for people, unique in its map
 * @param gpa first guest-physical address, page-aligned
 * @param sizeBytes length, page-aligned, at least a page
 * @param kind what the guest may do with it
 * @param backingOffset where its first octet lies in the backing file, page-aligned
 */
public record MemoryRegion(
    String name, long gpa, long sizeBytes, MemoryKind kind, long backingOffset) {
  /** Octets in a page: the unit of dirty tracking and of the protocol. */
  public static final int PAGE_BYTES = 4096;

  public MemoryRegion {
    Bounds.range(name + ".gpa", gpa, 0, 1L << 52);
    Bounds.range(name + ".sizeBytes", sizeBytes, PAGE_BYTES, 1L << 46);
    Bounds.range(name + ".backingOffset", backingOffset, 0, 1L << 46);
    Bounds.aligned(name + ".gpa", gpa, PAGE_BYTES);
    Bounds.aligned(name + ".sizeBytes", sizeBytes, PAGE_BYTES);
    Bounds.aligned(name + ".backingOffset", backingOffset, PAGE_BYTES);
  }

  /** First guest-physical address after the region. */
  public long endGpa() {
    return gpa + sizeBytes;
  }
}
