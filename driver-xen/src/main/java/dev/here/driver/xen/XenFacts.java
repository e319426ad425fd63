package dev.here.driver.xen;

import dev.here.driver.qemu.QemuFacts;
import dev.here.driver.qemu.QemuInventory;
import dev.here.driver.qemu.QmpClient;
import dev.here.formats.qemu.QemuGuestFacts;
import dev.here.formats.qemu.QemuMemoryTree;
import dev.here.formats.xen.LibxcRecord;
import dev.here.formats.xen.XenGuestFacts;
import dev.here.formats.xen.XenMemoryRange;
import dev.here.machine.MemoryRegion;
import dev.here.machine.Platform;
import java.time.Duration;
import java.util.List;

/** Collects what neither a domain's context nor its device model's state says. */
final class XenFacts {
  /** HVM parameters, xen/hvm/params.h. */
  static final int CALLBACK_IRQ = 0;

  static final int VIRIDIAN = 9;
  static final int HPET_ENABLED = 11;

  private XenFacts() {}

  static XenGuestFacts collect(
      XenControl control,
      XenDomain domain,
      XenCpuPolicy policy,
      DomainMemory memory,
      QmpClient monitor,
      QemuInventory inventory,
      Duration timeout) {
    List<XenMemoryRange> ranges =
        memory.map().regions().stream()
            .map(region ->
                new XenMemoryRange(
                    region.gpa() / MemoryRegion.PAGE_BYTES,
                    region.sizeBytes() / MemoryRegion.PAGE_BYTES,
                    region.kind()))
            .toList();
    return new XenGuestFacts(
        domain.id(),
        XenLibraries.MAJOR,
        XenLibraries.MINOR,
        domain.vcpus(),
        policy.leaves(),
        tsc(control, domain),
        control.parameter(domain.id(), HPET_ENABLED) != 0,
        ranges,
        new QemuGuestFacts(
            new Platform(
                "xen-%d.%d".formatted(XenLibraries.MAJOR, XenLibraries.MINOR),
                inventory.machineType(),
                domain.name()),
            false,
            List.of(),
            0,
            QemuMemoryTree.parse(inventory.memoryTree()),
            QemuFacts.functions(monitor, inventory, timeout)));
  }

  /** How the domain is given its time-stamp counter. */
  static LibxcRecord.TscInfo tsc(XenControl control, XenDomain domain) {
    XenControl.TscInfo tsc = control.tsc(domain.id());
    return new LibxcRecord.TscInfo(tsc.mode(), tsc.khz(), tsc.elapsedNanos(), tsc.incarnation(), 0);
  }
}
