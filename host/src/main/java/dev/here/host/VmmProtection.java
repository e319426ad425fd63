package dev.here.host;

import dev.here.driver.qemu.ClockLag;
import dev.here.driver.vmm.VmmControl;
import dev.here.driver.vmm.VmmFrames;
import dev.here.driver.vmm.VmmGuest;
import dev.here.driver.vmm.VmmPrimary;
import dev.here.formats.state.MachineStateCodec;
import dev.here.hypervisor.Primary;
import dev.here.replication.FrameOutput;
import dev.here.replication.Lease;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a keeper holds of a guest in a VMM of ours. The gate is in the VMM: a keeper that dies takes
 * no frame with it, and what was held leaves when the daemon opens the gate.
 */
final class VmmProtection implements GuestProtection {
  private static final Logger LOG = LoggerFactory.getLogger(VmmProtection.class);

  private final Path socket;
  private final VmmGuest guest;
  private final VmmPrimary primary;
  private Optional<VmmFrames> frames = Optional.empty();

  /**
   * Looks at the guest, and takes its state once, as a checkpoint does.
   *
   * @param socket the VMM's control socket
   * @throws dev.here.hypervisor.UnprotectableException when it cannot be carried, with all reasons
   */
  VmmProtection(Path socket) {
    this.socket = socket;
    try (VmmControl control = VmmControl.connect(socket)) {
      guest = VmmGuest.of(control);
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
  public FrameOutput redirect(Path folder, Lease lease) {
    VmmFrames gate = new VmmFrames(socket);
    frames = Optional.of(gate);
    return new VmmFrameOutput(gate, lease);
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
    frames.ifPresent(VmmFrames::close);
    primary.close();
  }
}
