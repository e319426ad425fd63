package dev.here.vmm;

import dev.here.machine.AcpiPmState;
import dev.here.machine.ClockState;
import dev.here.machine.HpetState;
import dev.here.machine.IoApicState;
import dev.here.machine.IsaState;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.PciFunction;
import dev.here.machine.PciState;
import dev.here.machine.PicChip;
import dev.here.machine.PicState;
import dev.here.machine.Platform;
import dev.here.machine.VcpuState;
import dev.here.machine.VirtioDevice;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The small PC that boots guests by itself: interrupt controllers, PIT, RTC, HPET, ACPI power
 * management, one serial port, a keyboard controller and the PCI chips, with virtio devices as
 * asked.
 */
final class PowerOnPlatform {
  private static final int PCI_LEVEL_INTERRUPTS = 0x0e;
  private static final long FOUR_GIB = 1L << 32;

  private PowerOnPlatform() {}

  /**
   * The state of such a machine right after power-on.
   *
   * @param virtio its virtio devices, with PCI addresses on bus 0 from slot 2 on
   * @param guestSeconds what its real-time clock shows, seconds since 1970
   */
  static MachineState state(
      Platform platform,
      MemoryMap memory,
      List<VcpuState> vcpus,
      List<VirtioPowerOn> virtio,
      long guestSeconds,
      ClockState clock) {
    AcpiPmState pm = AcpiPm.powerOn();
    List<PciFunction> functions = new ArrayList<>(PciChipset.powerOn(pm.pmBase()));
    List<VirtioDevice> devices = new ArrayList<>();
    for (VirtioPowerOn device : virtio) {
      functions.add(device.function());
      devices.add(device.device());
    }
    functions.sort(
        Comparator.comparingInt(
            function -> function.address().device() << 3 | function.address().function()));
    devices.sort(Comparator.comparingInt(device -> device.address().device()));
    return new MachineState(
        MachineState.VERSION,
        platform,
        memory,
        vcpus,
        pic(),
        IoApic.powerOn(0, 24),
        Pit.powerOn(),
        Rtc.powerOn(guestSeconds, lowMemoryEndGpa(memory)),
        Optional.of(Hpet.powerOn()),
        Optional.of(pm),
        new PciState(0, functions, 0),
        devices,
        isa(),
        clock);
  }

  /**
   * Writes the ACPI tables of such a machine into its memory; there must be RAM below 1 MiB.
   *
   * @return gpa of the root pointer
   */
  static long writeTables(GuestMemory memory, MachineState state) {
    IoApicState ioApic = state.ioApic();
    HpetState hpet = state.hpet().orElseThrow();
    List<Integer> apicIds = state.vcpus().stream().map(VcpuState::apicId).toList();
    AcpiTables.write(
        memory,
        apicIds,
        ioApic,
        state.acpiPm().orElseThrow(),
        hpet,
        lowMemoryEndGpa(state.memory()));
    return AcpiTables.RSDP_GPA;
  }

  private static PicState pic() {
    PicState reset = Pic.powerOn();
    PicChip slave = reset.slave();
    return new PicState(
        reset.master(),
        new PicChip(
            0,
            0,
            0,
            0,
            PCI_LEVEL_INTERRUPTS,
            slave.levelCapable(),
            0,
            0,
            0,
            false,
            false,
            false,
            false,
            false,
            false,
            false));
  }

  private static IsaState isa() {
    return new IsaState(
        List.of(Uart16550.powerOn(0x3f8, 4)),
        List.of(),
        Optional.of(I8042.powerOn()),
        List.of(),
        Optional.empty(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        2,
        Optional.empty());
  }

  private static long lowMemoryEndGpa(MemoryMap memory) {
    return memory.regions().stream()
        .filter(region -> region.endGpa() <= FOUR_GIB - (16 << 20))
        .mapToLong(MemoryRegion::endGpa)
        .max()
        .orElse(0);
  }
}
