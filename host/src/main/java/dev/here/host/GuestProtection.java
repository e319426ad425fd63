package dev.here.host;

import dev.here.driver.qemu.ClockLag;
import dev.here.hypervisor.Primary;
import java.util.List;
import java.util.Optional;

/** What a keeper holds of one running guest: its hypervisor and its memory. */
interface GuestProtection extends AutoCloseable {
  /** Interfaces of this host that the guest's cards are behind, by rising PCI address. */
  List<String> ports();

  Primary primary();

  int vcpus();

  /** Paths of the guest's disks, by rising PCI address. */
  List<String> disks();

  /** The process without which the guest does not run. */
  Optional<ProcessHandle> hypervisor();

  /** Whether the keeper may go before others on its host for as long as frames are held. */
  boolean mayGoBefore();

  /** How far the guest's clock has fallen behind the host's since protection began. */
  ClockLag clockLag();

  /** Nothing of ours is left in the hypervisor. */
  @Override
  void close();
}
