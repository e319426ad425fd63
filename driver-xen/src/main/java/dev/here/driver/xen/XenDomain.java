package dev.here.driver.xen;

import dev.here.hypervisor.HypervisorException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A running HVM domain, whoever started it.
 *
 * @param id its number
 * @param name as xl shows it
 * @param vcpus how many
 * @param modelPid process id of its device model
 */
public record XenDomain(int id, String name, int vcpus, long modelPid) {
  private static final int MOST_DOMAINS = 1024;

  /**
   * Finds a domain.
   *
   * @throws HypervisorException when there is none of this name, or it is not an HVM domain with a
   *     device model
   */
  static XenDomain find(XenControl control, XenStore store, String name) {
    return named(control, store, name)
        .orElseThrow(() ->
            new HypervisorException(
                "there is no running domain %s here (xl list shows them)".formatted(name)));
  }

  /** The domain of a name, if there is one. */
  static Optional<XenDomain> named(XenControl control, XenStore store, String name) {
    for (DomainInfo info : control.domains(1, MOST_DOMAINS)) {
      String path = "/local/domain/" + info.id();
      if (!info.dying() && store.read(path + "/name").filter(name::equals).isPresent()) {
        return Optional.of(of(info, store, path, name));
      }
    }
    return Optional.empty();
  }

  private static XenDomain of(DomainInfo info, XenStore store, String path, String name) {
    if (!info.hvm()) {
      throw new HypervisorException(
          "domain %s is paravirtual (PV or PVH): only HVM domains can be protected"
              .formatted(name));
    }
    long pid =
        store
            .read(path + "/image/device-model-pid")
            .map(Long::parseLong)
            .orElseThrow(
                () -> new HypervisorException("domain %s has no device model".formatted(name)));
    return new XenDomain(info.id(), name, info.vcpus(), pid);
  }

  /**
   * The device model's second monitor. The first ({@code qmp-libxl-ID}) is xl's own; a monitor
   * serves one client at a time.
   */
  public Path monitor() {
    return Path.of("/var/run/xen/qmp-libxenstat-" + id);
  }
}
