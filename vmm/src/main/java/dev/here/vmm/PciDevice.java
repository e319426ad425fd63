package dev.here.vmm;

import dev.here.machine.PciAddress;
import dev.here.machine.PciFunction;

/**
 * One PCI function as configuration cycles reach it. Most functions hold a {@link PciConfig} and
 * pass these calls on to it. Called with the platform's lock held.
 */
public interface PciDevice {
  PciAddress address();

  /**
   * A read of {@code sizeBytes} (1, 2 or 4) at {@code offset}, 0 to 255, naturally aligned.
   *
   * @return the value, zero-extended
   */
  int readConfig(int offset, int sizeBytes);

  /** A write of {@code sizeBytes} (1, 2 or 4) at {@code offset}, naturally aligned. */
  void writeConfig(int offset, int sizeBytes, int value);

  /** What the function is now. */
  PciFunction state();
}
