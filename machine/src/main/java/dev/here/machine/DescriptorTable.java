package dev.here.machine;

/**
 * GDTR or IDTR.
 *
 * @param base linear base address
 * @param limit 16 bits
 */
public record DescriptorTable(long base, int limit) {
  public DescriptorTable {
    Bounds.range("descriptorTable.limit", limit, 0, 0xffff);
  }
}
