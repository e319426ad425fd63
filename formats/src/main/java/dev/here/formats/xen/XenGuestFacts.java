package dev.here.formats.xen;

import dev.here.formats.qemu.QemuGuestFacts;
import java.util.List;

/**
 * What a guest of Xen is made of and neither its HVM context nor its device model's state says.
 *
 * @param domainId its number
 * @param xenMajor version of Xen, for the guest's CPUID
 * @param xenMinor version of Xen
 * @param vcpus how many it has, started or not
 * @param policy what CPUID gives it, as {@code xc_cpu_policy_serialise} does
 * @param tsc how Xen gives it the time-stamp counter ({@code xc_domain_get_tsc_info})
 * @param hpet HVM_PARAM_HPET_ENABLED: else it finds nothing where the HPET is
 * @param memory its populated frames by rising number; in this order they lie in the backing
 * @param deviceModel what QEMU's monitor says; its vCPUs are not looked at
 */
public record XenGuestFacts(
    int domainId,
    int xenMajor,
    int xenMinor,
    int vcpus,
    List<XenCpuidLeaf> policy,
    LibxcRecord.TscInfo tsc,
    boolean hpet,
    List<XenMemoryRange> memory,
    QemuGuestFacts deviceModel) {
  /** A vCPU's APIC id is twice its number; more do not fit a machine state. */
  static final int MAX_VCPUS = 8;

  public XenGuestFacts {
    if (vcpus < 1 || vcpus > MAX_VCPUS) {
      throw new XenFormatException(
          -1, "a guest of %d vCPUs, 1 to %d can be carried".formatted(vcpus, MAX_VCPUS));
    }
    policy = List.copyOf(policy);
    memory = List.copyOf(memory);
  }

  /** The APIC id of a vCPU (xen/arch/x86/cpuid.c). */
  static int apicId(int vcpu) {
    return 2 * vcpu;
  }
}
