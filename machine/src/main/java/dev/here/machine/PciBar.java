package dev.here.machine;

/**
 * One base address register: what the bits that cannot be written say. Its value stands in the
 * configuration space.
 *
 * @param index 0 to 5, 6 for the expansion ROM
 * @param io I/O ports, else memory
 * @param wide 64 bits, the next register is its high half
 * @param prefetchable as the register says
 * @param sizeBytes a power of two
 */
public record PciBar(int index, boolean io, boolean wide, boolean prefetchable, long sizeBytes) {
  public PciBar {
    Bounds.range("pciBar.index", index, 0, 6);
    if (Long.bitCount(sizeBytes) != 1) {
      throw new InvalidMachineStateException(
          "pciBar.sizeBytes is " + sizeBytes + ", must be a power of two");
    }
  }
}
