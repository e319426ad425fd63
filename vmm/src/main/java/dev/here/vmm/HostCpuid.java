package dev.here.vmm;

import dev.here.kvm.CpuidEntry;
import dev.here.kvm.Kvm;
import java.util.ArrayList;
import java.util.List;

/**
 * The CPUID that a guest booted here gets: everything that the host's KVM supports, with the parts
 * that differ from vCPU to vCPU filled in (Intel SDM volume 2, CPUID; AMD64 APM volume 3, appendix
 * E). Each vCPU is a core of one package.
 */
final class HostCpuid {
  private static final int HYPERVISOR = 1 << 31;
  private static final int TSC_DEADLINE = 1 << 24;
  private static final int HTT = 1 << 28;
  private static final int LEVEL_THREAD = 1 << 8;
  private static final int LEVEL_CORE = 2 << 8;

  private HostCpuid() {}

  static List<CpuidEntry> of(Kvm kvm, int apicId, int vcpus) {
    int idBits = 32 - Integer.numberOfLeadingZeros(Math.max(vcpus - 1, apicId));
    List<CpuidEntry> leaves = new ArrayList<>();
    for (CpuidEntry leaf : kvm.supportedCpuid()) {
      leaves.add(
          switch (leaf.function()) {
            case 0x1 -> identity(leaf, apicId, vcpus);
            case 0xb, 0x1f -> topology(leaf, apicId, vcpus, idBits);
            case 0x80000008 ->
                with(leaf, leaf.eax(), leaf.ebx(), vcpus - 1 | idBits << 12, leaf.edx());
            case 0x8000001e -> with(leaf, apicId, apicId, 0, 0);
            default -> leaf;
          });
    }
    return leaves;
  }

  private static CpuidEntry identity(CpuidEntry leaf, int apicId, int vcpus) {
    int ebx = leaf.ebx() & 0xffff | vcpus << 16 | apicId << 24;
    int edx = vcpus > 1 ? leaf.edx() | HTT : leaf.edx() & ~HTT;
    return with(leaf, leaf.eax(), ebx, leaf.ecx() | HYPERVISOR | TSC_DEADLINE, edx);
  }

  private static CpuidEntry topology(CpuidEntry leaf, int apicId, int vcpus, int idBits) {
    return switch (leaf.index()) {
      case 0 -> with(leaf, 0, 1, LEVEL_THREAD, apicId);
      case 1 -> with(leaf, idBits, vcpus, LEVEL_CORE | 1, apicId);
      default -> with(leaf, 0, 0, leaf.index(), apicId);
    };
  }

  private static CpuidEntry with(CpuidEntry leaf, int eax, int ebx, int ecx, int edx) {
    return new CpuidEntry(leaf.function(), leaf.index(), leaf.flags(), eax, ebx, ecx, edx);
  }
}
