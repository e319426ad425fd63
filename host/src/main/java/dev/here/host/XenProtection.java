package dev.here.host;

import dev.here.driver.qemu.ClockLag;
import dev.here.driver.qemu.QemuDisk;
import dev.here.driver.qemu.QemuNic;
import dev.here.driver.qemu.QemuTimeouts;
import dev.here.driver.xen.XenGuest;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.Primary;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a keeper holds of one running domain of Xen. */
final class XenProtection implements GuestProtection {
  private static final Logger LOG = LoggerFactory.getLogger(XenProtection.class);

  private final XenGuest guest;

  /**
   * Looks at the domain, without touching it.
   *
   * @throws dev.here.hypervisor.UnprotectableException when it cannot be carried, with all reasons
   */
  XenProtection(String name, Path folder, Duration patience) {
    Duration usual = QemuTimeouts.DEFAULT.command();
    Duration timeout =
        usual.compareTo(patience.multipliedBy(4)) > 0 ? usual : patience.multipliedBy(4);
    long began = System.nanoTime();
    guest = new XenGuest(name, folder, timeout);
    LOG.info("{} can be protected ({} ms)", name, (System.nanoTime() - began) / 1_000_000);
  }

  @Override
  public List<String> ports() {
    return guest.inventory().nics().stream().map(QemuNic::port).toList();
  }

  @Override
  public Primary primary() {
    return guest.primary();
  }

  @Override
  public int vcpus() {
    return guest.vcpus();
  }

  @Override
  public List<String> disks() {
    return guest.inventory().disks().stream().map(QemuDisk::file).toList();
  }

  /** Its device model: a domain without it has neither disks nor network. */
  @Override
  public Optional<ProcessHandle> hypervisor() {
    return guest.model();
  }

  /**
   * Every guest's device model and the store are in dom0, often with few processors: more than the
   * pause, which goes before them, would make all of them and the daemon wait.
   */
  @Override
  public boolean mayGoBefore() {
    return false;
  }

  /** Xen's clocks go on while a domain is paused. */
  @Override
  public ClockLag clockLag() {
    return new ClockLag(0, 0, 0);
  }

  @Override
  public void close() {
    try {
      guest.close();
    } catch (HypervisorException e) {
      LOG.debug("the domain is gone: {}", e.getMessage());
    }
  }
}
