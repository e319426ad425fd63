package dev.here.driver.xen;

import dev.here.ffi.ProcessStat;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
import java.util.Optional;

/** How a domain gets on, as the hypervisor tells it. */
final class DomainProgress {
  private DomainProgress() {}

  /** A domain is alive while it runs and its device model can. */
  static GuestProgress of(XenControl control, XenDomain domain) {
    try {
      Optional<DomainInfo> info = control.domain(domain.id());
      return new GuestProgress(
          info.filter(found -> !found.dying() && !found.shutdown()).isPresent()
              && ProcessStat.living(domain.modelPid())
                  .filter(stat -> !stat.isStopped())
                  .isPresent(),
          info.map(DomainInfo::paused).orElse(false),
          info.map(DomainInfo::cpuNanos).orElse(0L),
          info.map(DomainInfo::blocked).orElse(false));
    } catch (HypervisorException e) {
      return new GuestProgress(false, false, 0, false);
    }
  }
}
