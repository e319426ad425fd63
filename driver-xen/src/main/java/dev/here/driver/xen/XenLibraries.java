package dev.here.driver.xen;

import dev.here.ffi.Downcall;
import dev.here.ffi.NativeLinkException;
import dev.here.hypervisor.HypervisorException;

/**
 * The toolstack's libraries of the Xen version that this driver was tested with. Their names carry
 * the version: libxenctrl promises no stable interface and changes its name with each release.
 */
final class XenLibraries {
  /** Version of the hypervisor whose libraries are bound, as xc_version tells it. */
  static final int MAJOR = 4;

  static final int MINOR = 17;

  static final String CONTROL = "libxenctrl.so.4.17";
  static final String GUEST = "libxenguest.so.4.17";
  static final String FOREIGN_MEMORY = "libxenforeignmemory.so.1";
  static final String STORE = "libxenstore.so.4";

  private XenLibraries() {}

  /**
   * Refuses a host without them, before any class binds their functions.
   *
   * @throws HypervisorException naming what is missing
   */
  static void require() {
    try {
      for (String name : new String[] {CONTROL, GUEST, FOREIGN_MEMORY, STORE}) {
        Downcall.library(name);
      }
    } catch (NativeLinkException e) {
      throw new HypervisorException(
          "this is no Xen %d.%d host with its toolstack: %s"
              .formatted(MAJOR, MINOR, e.getMessage()),
          e);
    }
  }
}
