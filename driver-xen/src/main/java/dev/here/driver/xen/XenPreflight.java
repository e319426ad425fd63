package dev.here.driver.xen;

import dev.here.driver.qemu.QemuInventory;
import dev.here.driver.qemu.QemuPreflight;
import dev.here.hypervisor.UnprotectableException;
import java.util.ArrayList;
import java.util.List;

/**
 * Decides whether HERE can carry a domain. A guest that has found Xen and uses its interfaces would
 * miss them elsewhere; each that it uses is named. Nothing is touched.
 */
final class XenPreflight {
  private static final int MOST_VCPUS = 8;

  private final XenControl control;
  private final XenStore store;
  private final XenDomain domain;
  private final List<String> reasons = new ArrayList<>();

  private XenPreflight(XenControl control, XenStore store, XenDomain domain) {
    this.control = control;
    this.store = store;
    this.domain = domain;
  }

  /**
   * Refuses a domain that cannot be protected.
   *
   * @throws UnprotectableException with all reasons
   */
  static void require(
      XenControl control, XenStore store, XenDomain domain, QemuInventory inventory) {
    var preflight = new XenPreflight(control, store, domain);
    preflight.checkShape();
    preflight.checkGuest();
    preflight.checkBackends();
    preflight.reasons.addAll(QemuPreflight.reasonsOfDevices(inventory));
    if (!preflight.reasons.isEmpty()) {
      throw new UnprotectableException(preflight.reasons);
    }
  }

  private void checkShape() {
    if (domain.vcpus() > MOST_VCPUS) {
      reasons.add(
          "the domain has %d vCPUs: give it at most %d".formatted(domain.vcpus(), MOST_VCPUS));
    }
  }

  private void checkGuest() {
    if (control.parameter(domain.id(), XenFacts.CALLBACK_IRQ) != 0) {
      reasons.add(
          "the guest uses Xen's event channels (it has set a callback): boot its kernel with xen_nopv");
    }
    if (control.parameter(domain.id(), XenFacts.VIRIDIAN) != 0) {
      reasons.add("Hyper-V's interfaces are on: set viridian=0");
    }
  }

  private void checkBackends() {
    checkBackend("vif", "network interface", "use a virtio-net-pci device of the device model");
    checkBackend("vbd", "disk", "use a virtio-blk-pci device of the device model");
    checkBackend("pci", "passed-through PCI device", "remove it");
  }

  private void checkBackend(String kind, String what, String remedy) {
    if (store.read("/local/domain/%d/device/%s".formatted(domain.id(), kind)).isPresent()) {
      reasons.add("the domain has a paravirtual %s (%s): %s".formatted(what, kind, remedy));
    }
  }
}
