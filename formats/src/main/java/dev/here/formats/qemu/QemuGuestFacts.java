package dev.here.formats.qemu;

import dev.here.machine.CpuidLeaf;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.Platform;
import java.util.List;
import java.util.Optional;

/**
 * What a guest of QEMU is made of and its device state does not say. Taken once, from QEMU's
 * monitor and by measuring, before the first state is translated.
 *
 * @param platform hypervisor with version, machine type, VM name
 * @param kvm the accelerator is KVM, else TCG
 * @param vcpus by QEMU's CPU index
 * @param tscKhz rate of the guest's time-stamp counter, for a QEMU that does not send it; 0 if not
 *     known
 * @param addresses the text of {@code info mtree -f}, parsed
 * @param functions the PCI functions that have base address registers
 */
public record QemuGuestFacts(
    Platform platform,
    boolean kvm,
    List<Vcpu> vcpus,
    long tscKhz,
    QemuMemoryTree addresses,
    List<Function> functions) {
  public QemuGuestFacts {
    vcpus = List.copyOf(vcpus);
    functions = List.copyOf(functions);
  }

  /**
   * One vCPU.
   *
   * @param apicId its initial APIC id
   * @param cpuid every answer of CPUID that the guest can see on it
   */
  public record Vcpu(int apicId, List<CpuidLeaf> cpuid) {
    public Vcpu {
      cpuid = List.copyOf(cpuid);
    }
  }

  /**
   * One PCI function.
   *
   * @param address where it sits
   * @param bars its base address registers with their sizes
   * @param offeredFeatures what a virtio device offers, 0 for another function
   */
  public record Function(PciAddress address, List<PciBar> bars, long offeredFeatures) {
    public Function {
      bars = List.copyOf(bars);
    }
  }

  Optional<Function> function(PciAddress address) {
    return functions.stream().filter(function -> function.address().equals(address)).findFirst();
  }
}
