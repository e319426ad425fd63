package dev.here.formats.xen;

import dev.here.machine.CpuidLeaf;
import java.util.ArrayList;
import java.util.List;

/**
 * What CPUID gives a guest: Xen's policy, with what Xen adds when a vCPU asks. Facts: Xen 4.17's
 * xen/arch/x86/cpuid.c (guest_cpuid), traps.c (cpuid_hypervisor_leaves), public arch-x86/cpuid.h.
 */
final class XenCpuid {
  private static final int HYPERVISOR = 0x40000000;
  private static final int HYPERVISOR_SECOND = 0x40000100;
  private static final int DEFAULT_LEAVES = 5;
  private static final int OSXSAVE = 1 << 27;
  private static final int X2APIC = 1 << 21;
  private static final int OSPKE = 1 << 4;
  private static final long CR4_OSXSAVE = 1 << 18;
  private static final long CR4_PKE = 1 << 22;

  /** "XenVMMXenVMM". */
  private static final int[] SIGNATURE = {0x566e6558, 0x65584d4d, 0x4d4d566e};

  /** IOMMU mappings, vCPU id, domain id, per-vCPU upcall vector. */
  private static final int HVM_FEATURES = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6;

  private final XenGuestFacts facts;
  private final int vcpu;
  private final long cr4;

  /**
   * @param vcpu its number
   * @param cr4 two bits of it show in CPUID
   */
  XenCpuid(XenGuestFacts facts, int vcpu, long cr4) {
    this.facts = facts;
    this.vcpu = vcpu;
    this.cr4 = cr4;
  }

  List<CpuidLeaf> leaves() {
    var leaves = new ArrayList<CpuidLeaf>();
    boolean x2apic =
        facts.policy().stream().anyMatch(leaf -> leaf.leaf() == 1 && (leaf.ecx() & X2APIC) != 0);
    for (XenCpuidLeaf leaf : facts.policy()) {
      switch (leaf.leaf()) {
        case 1 -> leaves.add(features(leaf));
        case 7 -> leaves.add(structured(leaf));
        case 0x0b -> {
          if (x2apic) {
            topology(leaf, leaves);
          }
        }
        case HYPERVISOR -> hypervisor(leaf.eax(), leaves);
        case HYPERVISOR_SECOND -> {}
        default -> leaves.add(of(leaf, leaf.eax(), leaf.ebx(), leaf.ecx(), leaf.edx()));
      }
    }
    return leaves;
  }

  private static CpuidLeaf of(XenCpuidLeaf leaf, int eax, int ebx, int ecx, int edx) {
    boolean significant = leaf.subleaf() != XenCpuidLeaf.NO_SUBLEAF;
    return new CpuidLeaf(
        leaf.leaf(), significant ? leaf.subleaf() : 0, significant, eax, ebx, ecx, edx);
  }

  private CpuidLeaf features(XenCpuidLeaf leaf) {
    int ebx = leaf.ebx() & 0xffffff | XenGuestFacts.apicId(vcpu) << 24;
    int ecx = leaf.ecx() & ~OSXSAVE | ((cr4 & CR4_OSXSAVE) != 0 ? OSXSAVE : 0);
    return of(leaf, leaf.eax(), ebx, ecx, leaf.edx());
  }

  private CpuidLeaf structured(XenCpuidLeaf leaf) {
    boolean first = leaf.subleaf() == 0;
    int ecx = first && (cr4 & CR4_PKE) != 0 ? leaf.ecx() | OSPKE : leaf.ecx();
    return of(leaf, leaf.eax(), leaf.ebx(), ecx, leaf.edx());
  }

  private void topology(XenCpuidLeaf leaf, List<CpuidLeaf> leaves) {
    int ecx = leaf.ecx() & ~0xff | leaf.subleaf() & 0xff;
    leaves.add(of(leaf, leaf.eax(), leaf.ebx(), ecx, XenGuestFacts.apicId(vcpu)));
  }

  private void hypervisor(int asked, List<CpuidLeaf> leaves) {
    int limit = asked == 0 ? DEFAULT_LEAVES : Math.clamp(asked & 0xff, 2, DEFAULT_LEAVES);
    hypervisor(leaves, 0, HYPERVISOR + limit, SIGNATURE[0], SIGNATURE[1], SIGNATURE[2]);
    hypervisor(leaves, 1, facts.xenMajor() << 16 | facts.xenMinor(), 0, 0, 0);
    hypervisor(leaves, 2, 1, HYPERVISOR, 0, 0);
    LibxcRecord.TscInfo tsc = facts.tsc();
    if (limit >= 3) {
      // Bit 0: RDTSC is emulated. Bits 1 and 2 speak of the host that the guest leaves.
      int time = tsc.mode() == 1 ? 1 : 0;
      leaves.add(
          new CpuidLeaf(
              HYPERVISOR + 3,
              0,
              true,
              time,
              (int) tsc.mode(),
              (int) tsc.khz(),
              (int) tsc.incarnation()));
    }
    if (limit >= 4) {
      leaves.add(new CpuidLeaf(HYPERVISOR + 4, 0, true, HVM_FEATURES, vcpu, facts.domainId(), 0));
    }
  }

  private static void hypervisor(
      List<CpuidLeaf> leaves, int index, int eax, int ebx, int ecx, int edx) {
    leaves.add(new CpuidLeaf(HYPERVISOR + index, 0, false, eax, ebx, ecx, edx));
  }
}
