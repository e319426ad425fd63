package dev.here.formats.xen;

import dev.here.formats.qemu.QemuCaptureInstant;
import dev.here.formats.qemu.QemuDeviceModel;
import dev.here.formats.qemu.QemuStreamException;
import dev.here.formats.qemu.RamBlock;
import dev.here.formats.qemu.VmState;
import dev.here.machine.ClockState;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MachineState;
import dev.here.machine.TranslationReport;
import dev.here.machine.VcpuState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Translates an HVM guest of Xen to a machine state: processors, interrupt controllers and timers
 * from the HVM context, the rest from the device model's state (docs/specs/xen-hvm-context.md, "To
 * machine state and back"). One object serves one guest; a call shares nothing with another.
 */
public final class XenMachineTranslator {
  /** Rate of the local APICs' timers before their divisor. */
  static final long LAPIC_HERTZ = 100_000_000;

  private final XenGuestFacts facts;

  public XenMachineTranslator(XenGuestFacts facts) {
    this.facts = facts;
  }

  /**
   * A translated machine.
   *
   * @param state the machine at the instant of capture
   * @param report what was left behind
   */
  public record Translation(MachineState state, TranslationReport report) {}

  /**
   * Translates one state; context and device state must be of the same stand-still.
   *
   * @param context what Xen keeps
   * @param devices what the device model keeps ({@code VmStateReader.readDevices})
   * @param instant when the context was taken, by dom0's clocks
   * @throws XenFormatException if something can't be carried or is missing; the text names it
   */
  public Translation translate(HvmContext context, VmState devices, QemuCaptureInstant instant) {
    refuse(context);
    var losses = new XenLosses();
    try {
      MachineState state = machine(context, devices, instant, losses);
      return new Translation(state, new TranslationReport(losses.lost()));
    } catch (InvalidMachineStateException | QemuStreamException e) {
      throw new XenFormatException(-1, "the guest's state can't be carried: " + e.getMessage());
    }
  }

  private void refuse(HvmContext context) {
    for (HvmViridianDomain viridian : context.all(HvmViridianDomain.class)) {
      if (viridian.guestOsId() != 0 || viridian.hypercallGpa() != 0) {
        throw new XenFormatException(
            -1,
            "the guest uses Hyper-V's interfaces (guest OS id %xh), which can't be carried: start"
                    .formatted(viridian.guestOsId())
                + " it with viridian=0");
      }
    }
    if (context.find(HvmLapic.class, facts.vcpus()).isPresent()) {
      throw new XenFormatException(
          -1, "the HVM context has more than the " + facts.vcpus() + " vCPUs of the guest");
    }
    if (context.find(HvmCpu.class, 0).isEmpty()) {
      throw new XenFormatException(-1, "the HVM context has no record CPU 0: the guest is down");
    }
  }

  private MachineState machine(
      HvmContext context, VmState state, QemuCaptureInstant instant, XenLosses losses) {
    int isaWires = (int) context.require(HvmIsaIrqs.class, 0).wires() & 0xffff;
    QemuDeviceModel.Devices devices =
        QemuDeviceModel.translate(
            state, facts.deviceModel(), isaWires, name -> Optional.<RamBlock>empty());
    losses.addAll(devices.lost());
    var interrupts = new XenInterruptTranslation(context, losses);
    interrupts.compare(devices.pci());
    var timers = new XenTimerTranslation(context, facts, losses);
    return new MachineState(
        MachineState.VERSION,
        facts.deviceModel().platform(),
        XenMemoryRange.map(facts.memory()),
        vcpus(context, losses),
        interrupts.pic(),
        interrupts.ioApic(),
        timers.pit(),
        new XenRtcTranslation(context, instant, losses).rtc(devices.cmos()),
        timers.hpet(),
        devices.acpiPm().map(timers::acpiPm),
        devices.pci(),
        devices.virtio(),
        devices.isa(),
        new ClockState(
            context.header().tscKhz(), 0, instant.realtimeNanos(), instant.monotonicNanos()));
  }

  private List<VcpuState> vcpus(HvmContext context, XenLosses losses) {
    var translation = new XenCpuTranslation(context, facts, losses);
    var vcpus = new ArrayList<VcpuState>();
    for (int number = 0; number < facts.vcpus(); number++) {
      vcpus.add(translation.vcpu(number));
    }
    return vcpus;
  }
}
