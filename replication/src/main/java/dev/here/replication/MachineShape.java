package dev.here.replication;

import dev.here.machine.MachineState;
import dev.here.machine.MemoryRegion;
import dev.here.machine.PciFunction;
import dev.here.machine.VcpuState;
import dev.here.machine.VirtioDevice;
import java.util.List;

/**
 * What of a machine state stays the same from checkpoint to checkpoint: when it changes, the next
 * state is tried on the warm machine and not only range-checked.
 *
 * @param machineType platform
 * @param memory the regions
 * @param vcpus a list of numbers for each vCPU: id, CPUID answers, MSRs present, XSAVE length
 * @param functions PCI functions with their roles
 * @param virtio virtio devices with their negotiated features and number of queues
 */
record MachineShape(
    String machineType,
    List<MemoryRegion> memory,
    List<List<Integer>> vcpus,
    List<String> functions,
    List<String> virtio) {
  static MachineShape of(MachineState state) {
    return new MachineShape(
        state.platform().machineType(),
        state.memory().regions(),
        state.vcpus().stream().map(MachineShape::vcpu).toList(),
        state.pci().functions().stream().map(MachineShape::function).toList(),
        state.virtio().stream().map(MachineShape::device).toList());
  }

  private static List<Integer> vcpu(VcpuState vcpu) {
    return List.of(
        vcpu.apicId(),
        vcpu.cpuid().hashCode(),
        vcpu.msrs().stream().map(msr -> msr.index()).toList().hashCode(),
        vcpu.xsave().length());
  }

  private static String function(PciFunction function) {
    return function.address() + " " + function.role();
  }

  private static String device(VirtioDevice device) {
    return "%s %s %x %d"
        .formatted(
            device.address(), device.kind(), device.negotiatedFeatures(), device.queues().size());
  }
}
