package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;

/**
 * QEMU did not answer in time although its connection stands: it hangs, is stopped by a signal, or
 * its machine is overloaded. Whether the guest runs is not known.
 */
public final class QemuSilentException extends HypervisorException {
  public QemuSilentException(String message) {
    super(message);
  }
}
