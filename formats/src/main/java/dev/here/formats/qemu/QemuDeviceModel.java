package dev.here.formats.qemu;

import dev.here.machine.AcpiPmState;
import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.IsaState;
import dev.here.machine.LostField;
import dev.here.machine.PciState;
import dev.here.machine.VirtioDevice;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * What QEMU holds of a guest of which Xen keeps the processors, the interrupt controllers and the
 * timers: QEMU then only models devices. It has those chips too, but the guest never meets them;
 * what it says of them is left aside.
 */
public final class QemuDeviceModel {
  /**
   * Sections of chips that Xen has for the guest, and of QEMU's own clock. Of the real-time clock
   * only the memory past Xen's registers is the guest's.
   */
  private static final Set<String> XEN_HAS =
      Set.of("timer", "cpu_common", "cpu", "apic", "ioapic", "hpet", "mc146818rtc");

  private QemuDeviceModel() {}

  /**
   * The devices.
   *
   * @param pci PCI bus and functions
   * @param virtio by rising PCI address
   * @param isa small devices
   * @param cmos 128 octets; QEMU's clock has those from 14 on, the first 14 are Xen's
   * @param acpiPm registers of power management; status, enable and timer are Xen's
   * @param lost values that have no place
   */
  public record Devices(
      PciState pci,
      List<VirtioDevice> virtio,
      IsaState isa,
      Bytes cmos,
      Optional<AcpiPmState> acpiPm,
      List<LostField> lost) {
    public Devices {
      virtio = List.copyOf(virtio);
      lost = List.copyOf(lost);
    }
  }

  /**
   * Translates the devices of a state.
   *
   * @param state as {@link VmStateReader#readDevices} gives it; translating notes in it what was
   *     read
   * @param facts of this guest; its vCPUs are not looked at
   * @param isaWires levels of the ISA interrupts, bit n is interrupt n
   * @param displayMemory the display's memory by its RAM block's name, as {@code
   *     0000:00:02.0/vga.vram}
   * @throws QemuStreamException if the state has something that can't be carried; the text names it
   */
  public static Devices translate(
      VmState state,
      QemuGuestFacts facts,
      int isaWires,
      Function<String, Optional<RamBlock>> displayMemory) {
    QemuMachineTranslator.refuseUnknown(state);
    try {
      var kept = new KeptParts();
      PciState pci = new QemuPciTranslation(state, facts, kept).pci();
      List<VirtioDevice> virtio = QemuVirtioTranslation.devices(state, facts, kept);
      IsaState isa = new QemuIsaTranslation(state, facts, isaWires, displayMemory).isa();
      Bytes cmos = Bytes.of(state.require("mc146818rtc", 0).octets("cmos_data", 128));
      Optional<AcpiPmState> acpiPm = new QemuTimerTranslation(state, 0).acpiPm();
      var losses = new Losses();
      losses.addUnread(state, XEN_HAS);
      return new Devices(pci, virtio, isa, cmos, acpiPm, losses.report().lost());
    } catch (InvalidMachineStateException e) {
      throw new QemuStreamException(-1, "the device state is out of bounds: " + e.getMessage());
    }
  }
}
