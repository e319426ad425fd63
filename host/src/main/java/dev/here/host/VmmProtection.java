package dev.here.host;

import dev.here.driver.qemu.ClockLag;
import dev.here.driver.vmm.VmmControl;
import dev.here.driver.vmm.VmmGuest;
import dev.here.driver.vmm.VmmPrimary;
import dev.here.formats.state.MachineStateCodec;
import dev.here.hypervisor.Primary;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a keeper holds of a guest in a VMM of ours. */
final class VmmProtection implements GuestProtection {
  private static final Logger LOG = LoggerFactory.getLogger(VmmProtection.class);

  private final VmmGuest guest;
  private final Optional<ProcessHandle> hypervisor;
  private final VmmPrimary primary;

  /**
   * Looks at the guest, and takes its state once, as a checkpoint does.
   *
   * @param socket the VMM's control socket
   * @throws dev.here.hypervisor.UnprotectableException when it cannot be carried, with all reasons
   */
  VmmProtection(Path socket) {
    try (VmmControl control = VmmControl.connect(socket)) {
      guest = VmmGuest.of(control);
      hypervisor = ProcessHandle.of(control.pid());
    }
    primary = VmmPrimary.attach(socket);
    rehearse();
  }

  private void rehearse() {
    long began = System.nanoTime();
    try {
      int octets = MachineStateCodec.encode(primary.rehearse()).length;
      LOG.info(
          "the guest can be protected, its state has {} octets ({} ms)",
          octets,
          (System.nanoTime() - began) / 1_000_000);
    } catch (RuntimeException e) {
      primary.close();
      throw e;
    }
  }

  @Override
  public List<String> ports() {
    return guest.ports();
  }

  @Override
  public Primary primary() {
    return primary;
  }

  @Override
  public int vcpus() {
    return guest.vcpus();
  }

  @Override
  public List<String> disks() {
    return guest.disks();
  }

  @Override
  public Optional<ProcessHandle> hypervisor() {
    return hypervisor;
  }

  @Override
  public boolean mayGoBefore() {
    return true;
  }

  /** The VMM's clocks lose nothing in a pause. */
  @Override
  public ClockLag clockLag() {
    return new ClockLag(0, 0, 0);
  }

  @Override
  public void close() {
    primary.close();
  }
}
