package dev.here.formats.qemu;

import dev.here.machine.ClockState;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.TranslationReport;
import dev.here.machine.VcpuState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/**
 * Translates a device state of QEMU 7.2's i440FX machines to a machine state
 * (docs/specs/qemu-vmstate.md). One object serves one guest and one thread; what follows from
 * sections that stand unchanged since its last call is taken from there.
 */
public final class QemuMachineTranslator {
  /** Sections with a place in the machine state, beside those of PCI functions. */
  static final Set<String> CARRIED =
      Set.of(
          "timer",
          "cpu_common",
          "cpu",
          "apic",
          "kvmclock",
          "kvm-tpr-opt",
          "fw_cfg",
          "PCIHost",
          "PCIBUS",
          "dma",
          "i8259",
          "ioapic",
          "hpet",
          "mc146818rtc",
          "i8254",
          "pcspk",
          "serial",
          "parallel_isa",
          "fdc",
          "ps2kbd",
          "ps2mouse",
          "pckbd",
          "vmmouse",
          "port92",
          "i2c_bus",
          "acpi_build",
          "globalstate",
          "slirp");

  private final QemuGuestFacts facts;
  private final QemuMemoryLayout layout;
  private final KeptParts kept = new KeptParts();

  /**
   * @param facts what the device state does not say
   * @param layout where the guest sees the RAM blocks
   */
  public QemuMachineTranslator(QemuGuestFacts facts, QemuMemoryLayout layout) {
    this.facts = facts;
    this.layout = layout;
  }

  /**
   * A translated machine.
   *
   * @param state the machine at the instant of capture
   * @param report what was left behind
   */
  public record Translation(MachineState state, TranslationReport report) {}

  /**
   * Translates one state and does not look for what is left behind, which takes as long again.
   *
   * @throws QemuStreamException as {@link #translate} does
   */
  public MachineState machine(VmState state, QemuCaptureInstant instant) {
    return machine(state, instant, new Losses());
  }

  /**
   * Translates one state.
   *
   * @param state as decoded from this guest's device state; translating notes in it what was read
   * @param instant when the guest was stopped for it
   * @throws QemuStreamException if the state has something that can't be carried or is not one of a
   *     supported machine; the text names it
   */
  public Translation translate(VmState state, QemuCaptureInstant instant) {
    var losses = new Losses();
    MachineState machine = machine(state, instant, losses);
    losses.addUnread(state);
    return new Translation(machine, losses.report());
  }

  private MachineState machine(VmState state, QemuCaptureInstant instant, Losses losses) {
    refuseUnknown(state);
    try {
      return translated(state, instant, losses);
    } catch (InvalidMachineStateException e) {
      throw new QemuStreamException(-1, "the device state is out of bounds: " + e.getMessage());
    }
  }

  static void refuseUnknown(VmState state) {
    for (VmState.Section section : state.sections()) {
      String name = section.name();
      if (!CARRIED.contains(name) && QemuPciTranslation.address(name).isEmpty()) {
        throw new QemuStreamException(
            -1,
            "the guest has a device '"
                + RamPages.printable(name)
                + "', which can't be carried: remove it from the guest");
      }
    }
  }

  private MachineState translated(VmState state, QemuCaptureInstant instant, Losses losses) {
    long virtualNanos = virtualNanos(state);
    var interrupts = new QemuInterruptTranslation(state);
    var timers = new QemuTimerTranslation(state, virtualNanos);
    MemoryMap memory = kept.memory(layout, state);
    ClockState clock = clock(state, instant);
    return new MachineState(
        MachineState.VERSION,
        facts.platform(),
        memory,
        vcpus(state, losses, virtualNanos, clock.tscKhz()),
        interrupts.pic(),
        interrupts.ioApic(facts.addresses().hasMemory("kvm-ioapic")),
        timers.pit(),
        new QemuRtcTranslation(state, instant, virtualNanos).rtc(),
        timers.hpet(),
        timers.acpiPm(),
        new QemuPciTranslation(state, facts, kept).pci(),
        QemuVirtioTranslation.devices(state, facts, kept),
        new QemuIsaTranslation(state, facts, interrupts.isaWires(), layout::block).isa(),
        clock);
  }

  /** QEMU's virtual clock when the guest had stopped: all device times are on it. */
  private static long virtualNanos(VmState state) {
    long nanos = state.require("timer", 0).number("cpu_clock_offset");
    if (nanos < 0) {
      throw new QemuStreamException(-1, "timer/cpu_clock_offset is negative: " + nanos);
    }
    return nanos;
  }

  private List<VcpuState> vcpus(VmState state, Losses losses, long virtualNanos, long tscKhz) {
    int count = facts.vcpus().size();
    if (state.section("cpu", count).isPresent()) {
      throw new QemuStreamException(
          -1, "the state has more vCPUs than the " + count + " that the guest started with");
    }
    var translation = new QemuCpuTranslation(state, facts, losses, virtualNanos);
    var vcpus = new ArrayList<VcpuState>();
    for (int i = 0; i < count; i++) {
      vcpus.add(translation.vcpu(i, tscKhz));
    }
    vcpus.sort(Comparator.comparingInt(VcpuState::apicId));
    return vcpus;
  }

  private ClockState clock(VmState state, QemuCaptureInstant instant) {
    long tscKhz =
        state
            .require("cpu", 0)
            .subsection("cpu/tsc_khz")
            .map(part -> part.number("env.tsc_khz"))
            .orElse(facts.tscKhz());
    return new ClockState(
        tscKhz,
        state.section("kvmclock", 0).map(section -> section.number("clock")).orElse(0L),
        instant.realtimeNanos(),
        instant.monotonicNanos());
  }
}
