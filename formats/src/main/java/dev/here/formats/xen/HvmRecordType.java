package dev.here.formats.xen;

import java.util.Optional;

/**
 * The save records of an HVM context on x86 by Xen 4.17 (xen/include/public/arch-x86/hvm/save.h).
 * Types above CPU_MSR are of other products or of later versions; a context that has one is
 * refused.
 */
public enum HvmRecordType {
  END(0, false),
  HEADER(1, false),
  CPU(2, true),
  PIC(3, false),
  IOAPIC(4, false),
  LAPIC(5, true),
  LAPIC_REGS(6, true),
  PCI_IRQ(7, false),
  ISA_IRQ(8, false),
  PCI_LINK(9, false),
  PIT(10, false),
  RTC(11, false),
  HPET(12, false),
  PMTIMER(13, false),
  MTRR(14, true),
  VIRIDIAN_DOMAIN(15, false),
  CPU_XSAVE(16, true),
  VIRIDIAN_VCPU(17, true),
  VMCE_VCPU(18, true),
  TSC_ADJUST(19, true),
  CPU_MSR(20, true);

  private final int code;
  private final boolean ofVcpu;

  HvmRecordType(int code, boolean ofVcpu) {
    this.code = code;
    this.ofVcpu = ofVcpu;
  }

  /** The type code on the wire. */
  public int code() {
    return code;
  }

  /** There is one for each vCPU, the instance being its number; else instances count devices. */
  public boolean isOfVcpu() {
    return ofVcpu;
  }

  /** The type of a code. */
  public static Optional<HvmRecordType> of(int code) {
    return code >= 0 && code < values().length ? Optional.of(values()[code]) : Optional.empty();
  }
}
