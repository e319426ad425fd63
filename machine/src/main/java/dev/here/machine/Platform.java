package dev.here.machine;

import java.util.Optional;

/**
 * Who made the state and what it imitates.
 *
 * @param hypervisor for example qemu-7.2.22, here-vmm-0.1.0, xen-4.17
 * @param machineType for example pc-i440fx-7.2
 * @param vmName as the user knows it
 * @param origin what the hypervisor that started the guest needs to take it back
 */
public record Platform(
    String hypervisor, String machineType, String vmName, Optional<PlatformOrigin> origin) {
  /** A platform to which no guest goes back. */
  public Platform(String hypervisor, String machineType, String vmName) {
    this(hypervisor, machineType, vmName, Optional.empty());
  }

  /** The same with an origin. */
  public Platform from(PlatformOrigin started) {
    return new Platform(hypervisor, machineType, vmName, Optional.of(started));
  }
}
