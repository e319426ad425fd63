package dev.here.machine;

import java.util.List;

/**
 * What of a machine state stays the same from checkpoint to checkpoint: when it changes, the next
 * state is tried on the warm machine and not only range-checked. Made of every checkpoint's state,
 * so it refers to parts of that and copies none.
 *
 * @param machineType platform
 * @param memory the regions
 * @param vcpus what each vCPU is
 * @param functions PCI functions with their roles
 * @param virtio virtio devices
 */
public record MachineShape(
    String machineType,
    List<MemoryRegion> memory,
    List<Vcpu> vcpus,
    List<Function> functions,
    List<Device> virtio) {
  /** The shape of a state's machine. */
  public static MachineShape of(MachineState state) {
    return new MachineShape(
        state.platform().machineType(),
        state.memory().regions(),
        state.vcpus().stream().map(Vcpu::of).toList(),
        state.pci().functions().stream().map(Function::of).toList(),
        state.virtio().stream().map(Device::of).toList());
  }

  /**
   * A virtual processor.
   *
   * @param apicId its id
   * @param cpuid every answer of CPUID
   * @param msrsHash of the indices of the MSRs that are present
   * @param xsaveBytes length of the XSAVE area
   */
  public record Vcpu(int apicId, List<CpuidLeaf> cpuid, int msrsHash, int xsaveBytes) {
    private static Vcpu of(VcpuState vcpu) {
      return new Vcpu(vcpu.apicId(), vcpu.cpuid(), hash(vcpu.msrs()), vcpu.xsave().length());
    }

    private static int hash(List<Msr> msrs) {
      int hash = 1;
      for (Msr msr : msrs) {
        hash = 31 * hash + msr.index();
      }
      return hash;
    }
  }

  /** A PCI function. */
  public record Function(PciAddress address, PciRole role) {
    private static Function of(PciFunction function) {
      return new Function(function.address(), function.role());
    }
  }

  /** A virtio device with the features that its driver accepted and the number of its queues. */
  public record Device(PciAddress address, VirtioKind kind, long negotiatedFeatures, int queues) {
    private static Device of(VirtioDevice device) {
      return new Device(
          device.address(), device.kind(), device.negotiatedFeatures(), device.queues().size());
    }
  }
}
