package dev.here.vmm;

import dev.here.machine.PciAddress;

/** Where the INTx wires of the slots end. Called with the platform's lock held. */
@FunctionalInterface
public interface PciInterruptRouting {
  /**
   * The level of one wire.
   *
   * @param pin 0 for INTA# to 3 for INTD#
   */
  void set(PciAddress function, int pin, boolean asserted);
}
