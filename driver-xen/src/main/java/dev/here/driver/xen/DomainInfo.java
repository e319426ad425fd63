package dev.here.driver.xen;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * What the hypervisor says of a domain (struct xen_domctl_getdomaininfo of xen/domctl.h, 4.17).
 *
 * @param id domain number
 * @param flags XEN_DOMINF bits
 * @param pages pages that it has
 * @param cpuNanos CPU time that its vCPUs have used, summed
 * @param highestVcpu number of its last vCPU, -1 for none
 */
record DomainInfo(int id, int flags, long pages, long cpuNanos, int highestVcpu) {
  static final StructLayout LAYOUT =
      MemoryLayout.structLayout(
          JAVA_SHORT.withName("domain"),
          JAVA_SHORT.withName("pad1"),
          JAVA_INT.withName("flags"),
          JAVA_LONG.withName("tot_pages"),
          JAVA_LONG.withName("max_pages"),
          JAVA_LONG.withName("outstanding_pages"),
          JAVA_LONG.withName("shr_pages"),
          JAVA_LONG.withName("paged_pages"),
          JAVA_LONG.withName("shared_info_frame"),
          JAVA_LONG.withName("cpu_time"),
          JAVA_INT.withName("nr_online_vcpus"),
          JAVA_INT.withName("max_vcpu_id"),
          JAVA_INT.withName("ssidref"),
          MemoryLayout.sequenceLayout(16, JAVA_BYTE).withName("handle"),
          JAVA_INT.withName("cpupool"),
          JAVA_BYTE.withName("gpaddr_bits"),
          MemoryLayout.paddingLayout(7),
          MemoryLayout.structLayout(
                  JAVA_INT.withName("emulation_flags"), JAVA_INT.withName("misc_flags"))
              .withName("arch_config"));

  private static final long DOMAIN = LAYOUT.byteOffset(PathElement.groupElement("domain"));
  private static final long FLAGS = LAYOUT.byteOffset(PathElement.groupElement("flags"));
  private static final long PAGES = LAYOUT.byteOffset(PathElement.groupElement("tot_pages"));
  private static final long CPU_TIME = LAYOUT.byteOffset(PathElement.groupElement("cpu_time"));
  private static final long MAX_VCPU = LAYOUT.byteOffset(PathElement.groupElement("max_vcpu_id"));

  private static final int DYING = 1;
  private static final int HVM = 1 << 1;
  private static final int SHUTDOWN = 1 << 2;
  private static final int PAUSED = 1 << 3;
  private static final int BLOCKED = 1 << 4;

  static DomainInfo of(MemorySegment struct) {
    return new DomainInfo(
        Short.toUnsignedInt(struct.get(JAVA_SHORT, DOMAIN)),
        struct.get(JAVA_INT, FLAGS),
        struct.get(JAVA_LONG, PAGES),
        struct.get(JAVA_LONG, CPU_TIME),
        struct.get(JAVA_INT, MAX_VCPU));
  }

  boolean dying() {
    return (flags & DYING) != 0;
  }

  boolean hvm() {
    return (flags & HVM) != 0;
  }

  /** The guest has shut down, crashed, or asked to be rebooted. */
  boolean shutdown() {
    return (flags & SHUTDOWN) != 0;
  }

  boolean paused() {
    return (flags & PAUSED) != 0;
  }

  /** All vCPUs wait for an event; one that waits for its device model is not counted as such. */
  boolean blocked() {
    return (flags & BLOCKED) != 0;
  }

  int vcpus() {
    return highestVcpu + 1;
  }
}
