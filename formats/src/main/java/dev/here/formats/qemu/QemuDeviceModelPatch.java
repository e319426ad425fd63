package dev.here.formats.qemu;

import dev.here.formats.state.MachineStateCodec;
import dev.here.formats.state.StateDiff;
import dev.here.machine.IsaState;
import dev.here.machine.LostField;
import dev.here.machine.MachineState;
import dev.here.machine.MsixState;
import dev.here.machine.PciFunction;
import dev.here.machine.PciState;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Brings an older state of a guest's device model up to a machine state: what the guest can see is
 * written into it, the rest stays as the device model left it (docs/specs/qemu-vmstate.md, "Back to
 * a device model"). The result is translated once more and compared, so that whatever did not get
 * there has a name.
 */
public final class QemuDeviceModelPatch {
  private QemuDeviceModelPatch() {}

  /**
   * Patches.
   *
   * @param file an earlier state of the same guest's device model
   * @param machine the guest now
   * @param memory its memory, in which it stands still; without it, as for a trial, requests that
   *     are not answered are left out
   * @return the state of now, in the same form
   * @throws QemuStreamException if the two are not of one machine, or the device model can't take
   *     it; the text names what
   */
  public static byte[] apply(byte[] file, MachineState machine, Optional<VirtioRings> memory) {
    VmState state = VmStateReader.readDevices(file);
    new QemuPciPatch(state, machine.pci()).apply();
    for (VirtioDevice device : machine.virtio()) {
      new QemuVirtioPatch(state, device, memory).apply();
    }
    requireNoOtherVirtio(state, machine);
    new QemuIsaPatch(state, machine).apply();
    return VmStateWriter.writeDevices(state);
  }

  private static void requireNoOtherVirtio(VmState state, MachineState machine) {
    long there =
        state.sections().stream()
            .filter(section -> section.content().vmsdName().startsWith("virtio-"))
            .count();
    if (there != machine.virtio().size()) {
      throw new QemuStreamException(
          -1,
          "the device model has %d virtio devices, the guest %d"
              .formatted(there, machine.virtio().size()));
    }
  }

  /**
   * What a device model has otherwise than a machine state, by translating it once more.
   *
   * @param patched what {@link #apply} gave without the guest's memory
   */
  public static List<LostField> differences(byte[] patched, MachineState machine) {
    QemuDeviceModel.Devices devices =
        QemuDeviceModel.translate(
            VmStateReader.readDevices(patched),
            facts(machine),
            machine.pic().master().lines() | machine.pic().slave().lines() << 8,
            name -> Optional.empty());
    var lost = new ArrayList<LostField>();
    compare("pci", comparable(machine.pci()), comparable(devices.pci()), lost);
    compare("virtio", comparable(machine.virtio()), comparable(devices.virtio()), lost);
    compare("isa", comparable(machine.isa()), comparable(devices.isa()), lost);
    return lost;
  }

  private static void compare(String path, Object due, Object there, List<LostField> lost) {
    for (StateDiff.Difference difference :
        StateDiff.between(MachineStateCodec.tree(there), MachineStateCodec.tree(due))) {
      lost.add(
          new LostField(
              path + difference.path(),
              difference.after(),
              "the device model has " + difference.before()));
    }
  }

  /** Hypervisors keep more octets of pending MSI-X than the device has vectors. */
  private static PciState comparable(PciState pci) {
    return new PciState(
        pci.configAddress(),
        pci.functions().stream().map(QemuDeviceModelPatch::comparable).toList(),
        pci.resetControl());
  }

  private static PciFunction comparable(PciFunction function) {
    return new PciFunction(
        function.address(),
        function.role(),
        function.config(),
        function.bars(),
        function
            .msix()
            .map(msix ->
                new MsixState(
                    msix.capabilityOffset(),
                    msix.entries(),
                    msix.pending().slice(0, (msix.entries().size() + 7) / 8))),
        function.intxLevel());
  }

  /**
   * Without what QEMU works out anew, and what it takes along as requests ({@link VirtioRings}).
   */
  private static List<VirtioDevice> comparable(List<VirtioDevice> devices) {
    return devices.stream()
        .map(device ->
            new VirtioDevice(
                device.address(),
                device.kind(),
                device.legacyInterface(),
                device.modernInterface(),
                device.offeredFeatures(),
                device.negotiatedFeatures(),
                device.deviceFeatureSelect(),
                device.driverFeatureSelect(),
                device.driverFeaturesWritten(),
                device.status(),
                device.isr(),
                device.queueSelect(),
                device.configVector(),
                0,
                device.broken(),
                device.queues().stream().map(QemuDeviceModelPatch::comparable).toList(),
                List.of(),
                device.deviceConfig(),
                device.net()))
        .toList();
  }

  private static VirtioQueue comparable(VirtioQueue queue) {
    return new VirtioQueue(
        queue.index(),
        queue.size(),
        queue.maxSize(),
        queue.enabled(),
        queue.descriptorGpa(),
        queue.driverGpa(),
        queue.deviceGpa(),
        queue.nextAvailable(),
        0,
        0,
        false,
        true,
        queue.msixVector());
  }

  /** Without what a device model under Xen does not tell, or tells elsewhere. */
  private static IsaState comparable(IsaState isa) {
    return new IsaState(
        isa.serials(),
        isa.parallels(),
        isa.i8042(),
        isa.dma(),
        isa.floppy(),
        isa.ide(),
        Optional.empty(),
        isa.firmwareConfig(),
        isa.systemControlA(),
        Optional.empty());
  }

  private static QemuGuestFacts facts(MachineState machine) {
    var functions = new ArrayList<QemuGuestFacts.Function>();
    for (PciFunction function : machine.pci().functions()) {
      long offered =
          machine.virtio().stream()
              .filter(device -> device.address().equals(function.address()))
              .mapToLong(VirtioDevice::offeredFeatures)
              .findFirst()
              .orElse(0);
      functions.add(new QemuGuestFacts.Function(function.address(), function.bars(), offered));
    }
    return new QemuGuestFacts(
        machine.platform(),
        false,
        List.of(),
        0,
        new QemuMemoryTree(List.of(), List.of()),
        functions);
  }
}
