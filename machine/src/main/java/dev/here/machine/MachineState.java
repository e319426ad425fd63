package dev.here.machine;

import java.util.List;
import java.util.Optional;

/**
 * A whole machine except the contents of its memory, at one instant. It says what the guest can
 * see, in the terms of the hardware's own manuals; no vendor's structure appears in it.
 *
 * @param version layout version of this description, see MachineState.VERSION
 * @param platform who made it
 * @param memory all guest memory
 * @param vcpus by rising APIC id
 * @param pic the two 8259A
 * @param ioApic the I/O APIC
 * @param pit the 8254
 * @param rtc the real-time clock
 * @param hpet the HPET, where there is one
 * @param acpiPm power management, where there is one
 * @param pci the PCI bus
 * @param virtio by rising PCI address
 * @param isa the small devices
 * @param clock clocks
 */
public record MachineState(
    int version,
    Platform platform,
    MemoryMap memory,
    List<VcpuState> vcpus,
    PicState pic,
    IoApicState ioApic,
    PitState pit,
    RtcState rtc,
    Optional<HpetState> hpet,
    Optional<AcpiPmState> acpiPm,
    PciState pci,
    List<VirtioDevice> virtio,
    IsaState isa,
    ClockState clock) {
  /** The layout version written by this program. */
  public static final int VERSION = 2;

  /** Most vCPUs of one machine. */
  public static final int MAX_VCPUS = 8;

  public MachineState {
    Bounds.range("state.version", version, VERSION, VERSION);
    Bounds.range("state.vcpus", vcpus.size(), 1, MAX_VCPUS);
    Bounds.range("state.virtio", virtio.size(), 0, 32);
    vcpus = List.copyOf(vcpus);
    virtio = List.copyOf(virtio);
  }

  /** The same machine, made by another. */
  public MachineState on(Platform other) {
    return new MachineState(
        version, other, memory, vcpus, pic, ioApic, pit, rtc, hpet, acpiPm, pci, virtio, isa,
        clock);
  }
}
