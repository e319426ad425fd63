package dev.here.vmm;

import dev.here.machine.Msr;
import dev.here.machine.VcpuState;
import java.util.HashMap;
import java.util.Map;

/**
 * Compares a vCPU's state with what a host gives back after it was set. Left out is what runs on by
 * itself or what KVM keeps in a form of its own: the time-stamp counter and its deadline, LAPIC
 * counts, the XSAVE area's initialised parts, and MSRs that the host does not have or that may
 * differ without harm ({@link MsrTransfer}).
 */
final class VcpuComparison {
  private static final int TSC = 0x10;
  private static final int TSC_DEADLINE = 0x6e0;
  private static final int APIC_BASE = 0x1b;

  private VcpuComparison() {}

  /**
   * @throws VmmException naming the first part that differs
   */
  static void requireSame(VcpuState set, VcpuState read) {
    require(set, "general registers", set.general(), read.general());
    require(set, "CR0", set.system().cr0(), read.system().cr0());
    require(set, "CR3", set.system().cr3(), read.system().cr3());
    require(set, "CR4", set.system().cr4(), read.system().cr4());
    require(set, "EFER", set.system().efer(), read.system().efer());
    require(set, "code segment", set.system().cs().base(), read.system().cs().base());
    require(set, "GDTR", set.system().gdt(), read.system().gdt());
    require(set, "IDTR", set.system().idt(), read.system().idt());
    require(set, "debug registers", set.debug(), read.debug());
    require(set, "run state", set.runState(), read.runState());
    if (set.xcr0() != 0) {
      require(set, "XCR0", set.xcr0(), read.xcr0());
    }
    Map<Integer, Long> values = new HashMap<>();
    read.msrs().forEach(msr -> values.put(msr.index(), msr.value()));
    for (Msr msr : set.msrs()) {
      Long value = values.get(msr.index());
      boolean moving =
          msr.index() == TSC || msr.index() == TSC_DEADLINE || msr.index() == APIC_BASE;
      if (value != null && !moving && !MsrTransfer.harmless(msr.index())) {
        require(set, "MSR 0x%x".formatted(msr.index()), MsrTransfer.loaded(msr, set), value);
      }
    }
  }

  private static void require(VcpuState vcpu, String part, Object set, Object read) {
    if (!set.equals(read)) {
      throw new VmmException(
          "vCPU %d: the host changes %s from %s to %s"
              .formatted(vcpu.apicId(), part, text(set), text(read)));
    }
  }

  private static String text(Object value) {
    return value instanceof Long number ? "0x%x".formatted(number) : value.toString();
  }
}
