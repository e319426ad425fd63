package dev.here.formats.xen;

import dev.here.machine.Bytes;
import dev.here.machine.IsaState;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.PciFunction;
import dev.here.machine.PciState;
import dev.here.machine.RtcState;
import dev.here.machine.SerialState;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioNetState;
import dev.here.machine.VirtioQueue;
import java.util.List;

/** Guests as they are after they have run on elsewhere. */
final class ChangedGuest {
  private ChangedGuest() {}

  static MachineState of(MachineState state) {
    return whole(
        state,
        state.memory(),
        new PciState(
            0x80001234L,
            state.pci().functions().stream().map(ChangedGuest::function).toList(),
            state.pci().resetControl()),
        state.virtio().stream().map(ChangedGuest::device).toList(),
        isa(state.isa()));
  }

  static MachineState inMemory(MachineState state, MemoryMap memory) {
    return whole(state, memory, state.pci(), state.virtio(), state.isa());
  }

  static MachineState withoutVirtio(MachineState state) {
    return whole(state, state.memory(), state.pci(), List.of(), state.isa());
  }

  private static MachineState whole(
      MachineState state, MemoryMap memory, PciState pci, List<VirtioDevice> virtio, IsaState isa) {
    RtcState rtc = state.rtc();
    byte[] cmos = rtc.cmos().toArray();
    cmos[0x40] ^= 0x55;
    return new MachineState(
        state.version(),
        state.platform(),
        memory,
        state.vcpus(),
        state.pic(),
        state.ioApic(),
        state.pit(),
        new RtcState(
            Bytes.of(cmos),
            rtc.index(),
            rtc.guestSeconds(),
            rtc.guestNanos(),
            rtc.nanosToPeriodic()),
        state.hpet(),
        state.acpiPm(),
        pci,
        virtio,
        isa,
        state.clock());
  }

  private static PciFunction function(PciFunction function) {
    byte[] config = function.config().toArray();
    config[0x3c] ^= 1;
    return new PciFunction(
        function.address(),
        function.role(),
        Bytes.of(config),
        function.bars(),
        function.msix(),
        function.address().device() == 2 ? 1 : 0);
  }

  private static VirtioDevice device(VirtioDevice device) {
    return new VirtioDevice(
        device.address(),
        device.kind(),
        device.legacyInterface(),
        device.modernInterface(),
        device.offeredFeatures(),
        device.negotiatedFeatures(),
        1,
        1,
        device.driverFeaturesWritten(),
        device.status(),
        1,
        0,
        device.configVector(),
        device.configGeneration(),
        device.broken(),
        device.queues().stream().map(ChangedGuest::queue).toList(),
        List.of(),
        device.deviceConfig(),
        device.net().map(ChangedGuest::net));
  }

  private static VirtioQueue queue(VirtioQueue queue) {
    int next = queue.nextAvailable() + 77 & 0xffff;
    return new VirtioQueue(
        queue.index(),
        queue.size() / 2,
        queue.maxSize(),
        queue.enabled(),
        queue.descriptorGpa() + (queue.enabled() ? 0x10000 : 0),
        queue.driverGpa() + (queue.enabled() ? 0x10000 : 0),
        queue.deviceGpa() + (queue.enabled() ? 0x10000 : 0),
        next,
        next,
        queue.signalledUsed(),
        queue.signalledUsedValid(),
        queue.notificationOn(),
        queue.msixVector());
  }

  private static VirtioNetState net(VirtioNetState net) {
    return new VirtioNetState(
        net.mac(),
        net.linkStatus(),
        !net.promiscuous(),
        net.allMulticast(),
        net.allUnicast(),
        net.noMulticast(),
        net.noUnicast(),
        net.noBroadcast(),
        List.of(Bytes.parse("525400000001")),
        List.of(Bytes.parse("333300000001"), Bytes.parse("01005e000001")),
        net.vlanFilter(),
        net.guestOffloads(),
        net.queuePairs(),
        net.maxQueuePairs(),
        net.mtu());
  }

  private static IsaState isa(IsaState isa) {
    return new IsaState(
        isa.serials().stream().map(ChangedGuest::serial).toList(),
        isa.parallels(),
        isa.i8042(),
        isa.dma(),
        isa.floppy(),
        isa.ide(),
        isa.vga(),
        isa.firmwareConfig(),
        isa.systemControlA() ^ 2,
        isa.debugExitPort());
  }

  private static SerialState serial(SerialState serial) {
    return new SerialState(
        serial.port(),
        serial.irq(),
        serial.divisor() + 1,
        serial.receiveBuffer(),
        0,
        serial.interruptEnable() ^ 2,
        serial.interruptIdentification(),
        serial.fifoControl(),
        serial.lineControl(),
        serial.modemControl(),
        serial.lineStatus(),
        serial.modemStatus(),
        0x5a,
        !serial.transmitInterruptPending(),
        true,
        Bytes.parse("616263"),
        Bytes.EMPTY);
  }
}
