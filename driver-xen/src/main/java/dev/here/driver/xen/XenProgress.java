package dev.here.driver.xen;

import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;

/**
 * Asks Xen how a domain gets on that somebody else has started.
 *
 * @param name as xl shows it
 */
public record XenProgress(String name) {
  private static final GuestProgress DEAD = new GuestProgress(false, false, 0, false);

  /** The domain's progress; one that does not exist is not alive. */
  public GuestProgress ask() {
    try {
      XenLibraries.require();
      try (XenControl control = XenControl.open();
          XenStore store = new XenStore()) {
        return XenDomain.named(control, store, name)
            .map(domain -> DomainProgress.of(control, domain))
            .orElse(DEAD);
      }
    } catch (HypervisorException e) {
      return DEAD;
    }
  }
}
