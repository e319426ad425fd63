package dev.here.driver.xen;

import dev.here.driver.qemu.QemuInventory;
import dev.here.driver.qemu.QmpClient;
import dev.here.hypervisor.HypervisorException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A running domain that is to be protected: found by its name, looked at, and ready as a primary.
 * Owns the connections to the hypervisor and to the domain's device model.
 */
public final class XenGuest implements AutoCloseable {
  private final XenControl control;
  private final QmpClient monitor;
  private final XenDomain domain;
  private final QemuInventory inventory;
  private final XenPrimary primary;

  /**
   * Looks at a domain, without touching it.
   *
   * @param name as {@code xl list} shows it
   * @param folder of ours, for files while it is protected
   * @param timeout for each answer of the device model
   * @throws dev.here.hypervisor.UnprotectableException when it cannot be carried, with all reasons
   * @throws HypervisorException when there is no such domain, or no Xen that is known
   */
  public XenGuest(String name, Path folder, Duration timeout) {
    control = XenControl.open();
    QmpClient connected = null;
    try (XenStore store = new XenStore()) {
      domain = XenDomain.find(control, store, name);
      connected = QmpClient.connect(domain.monitor(), timeout);
      monitor = connected;
      XenCleanup.letRun(domain, monitor, timeout);
      inventory = QemuInventory.take(monitor, timeout);
      XenPreflight.require(control, store, domain, inventory);
      primary = new XenPrimary(control, domain, monitor, inventory, folder, timeout);
    } catch (RuntimeException e) {
      if (connected != null) {
        connected.close();
      }
      control.close();
      throw e;
    }
  }

  /**
   * Undoes what a keeper that died has left in a domain and its device model.
   *
   * @return what was undone, a line each
   */
  public static List<String> cleanUp(String name, Duration timeout) {
    try (XenControl control = XenControl.open();
        XenStore store = new XenStore()) {
      XenDomain domain = XenDomain.find(control, store, name);
      try (QmpClient monitor = QmpClient.connect(domain.monitor(), timeout)) {
        return XenCleanup.undo(control, domain, monitor, timeout);
      }
    }
  }

  /**
   * Ends a domain by force, if it exists.
   *
   * @throws HypervisorException when it is not certain that it does not run any more
   */
  public static void end(String name) {
    try (XenControl control = XenControl.open();
        XenStore store = new XenStore()) {
      XenDomain.named(control, store, name).ifPresent(domain -> control.destroy(domain.id()));
    }
  }

  /** What the device model is made of. */
  public QemuInventory inventory() {
    return inventory;
  }

  public int vcpus() {
    return domain.vcpus();
  }

  /** The device model's process; empty when it has ended. */
  public Optional<ProcessHandle> model() {
    return ProcessHandle.of(domain.modelPid());
  }

  public XenPrimary primary() {
    return primary;
  }

  /** Ends protection and all connections; the guest goes on. */
  @Override
  public void close() {
    primary.close();
    monitor.close();
    control.close();
  }
}
