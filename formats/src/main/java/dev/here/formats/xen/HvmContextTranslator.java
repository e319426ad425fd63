package dev.here.formats.xen;

import dev.here.machine.AcpiPmState;
import dev.here.machine.Bytes;
import dev.here.machine.CpuidLeaf;
import dev.here.machine.HpetState;
import dev.here.machine.HpetTimer;
import dev.here.machine.IoApicState;
import dev.here.machine.MachineState;
import dev.here.machine.PciFunction;
import dev.here.machine.PciRole;
import dev.here.machine.PicChip;
import dev.here.machine.PitChannel;
import dev.here.machine.RtcState;
import dev.here.machine.TranslationReport;
import dev.here.machine.VcpuState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Makes the HVM context of a machine that Xen can wear: one whose guest was started by Xen, or on a
 * platform like Xen's. Any other is refused by what it differs in (docs/specs/xen-hvm-context.md,
 * "To machine state and back").
 */
public final class HvmContextTranslator {
  private static final int PINS = 48;
  private static final long HPET_FEMTOS = 16_000_000;
  private static final int HPET_TIMERS = 3;
  private static final int ROUTE_REGISTERS = 0x60;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int CASCADE = 2;

  /** Wires that Xen's own timers, the cascade and ACPI drive; it finds their levels itself. */
  private static final int XEN_WIRES = 1 | 1 << CASCADE | 1 << 8 | 1 << 9;

  private final MachineState state;
  private final XenLosses losses = new XenLosses();

  private HvmContextTranslator(MachineState state) {
    this.state = state;
  }

  /**
   * A translated machine.
   *
   * @param context for Xen
   * @param report what was left behind
   */
  public record Translation(HvmContext context, TranslationReport report) {}

  /**
   * Translates a machine.
   *
   * @throws XenFormatException if Xen's platform can't carry it; the text names why
   */
  public static Translation translate(MachineState state) {
    var translator = new HvmContextTranslator(state);
    translator.refuse();
    HvmContext context = translator.context();
    return new Translation(context, new TranslationReport(translator.losses.lost()));
  }

  private void refuse() {
    for (int number = 0; number < state.vcpus().size(); number++) {
      int apicId = state.vcpus().get(number).apicId();
      if (apicId != XenGuestFacts.apicId(number)) {
        throw other(
            "vCPU %d has APIC id %d, under Xen it is %d"
                .formatted(number, apicId, XenGuestFacts.apicId(number)));
      }
    }
    if (state.ioApic().pins() != PINS) {
      throw other(
          "its I/O APIC has %d inputs, Xen's has %d".formatted(state.ioApic().pins(), PINS));
    }
    state.hpet().ifPresent(HvmContextTranslator::refuse);
    AcpiPmState pm = state.acpiPm().orElseThrow(() -> other("it has no ACPI power management"));
    if (pm.pmTimerBits() != XenTimerTranslation.PM_TIMER_BITS) {
      throw other(
          "its ACPI timer has %d bits, Xen's has %d"
              .formatted(pm.pmTimerBits(), XenTimerTranslation.PM_TIMER_BITS));
    }
  }

  private static void refuse(HpetState hpet) {
    if (hpet.capabilities() >>> 32 != HPET_FEMTOS
        || hpet.timers().size() != HPET_TIMERS
        || hpet.gpa() != XenTimerTranslation.HPET_GPA) {
      throw other(
          "its HPET has %d timers at %xh and ticks every %d fs, Xen's has %d at %xh and %d"
              .formatted(
                  hpet.timers().size(),
                  hpet.gpa(),
                  hpet.capabilities() >>> 32,
                  HPET_TIMERS,
                  XenTimerTranslation.HPET_GPA,
                  HPET_FEMTOS));
    }
  }

  private static XenFormatException other(String reason) {
    return new XenFormatException(
        -1, "the guest was not started by Xen and can't go there: " + reason);
  }

  private HvmContext context() {
    var records = new ArrayList<HvmRecord>();
    records.add(header());
    for (int number = 0; number < state.vcpus().size(); number++) {
      records.addAll(new HvmVcpuTranslation(number, state.vcpus().get(number), losses).records());
    }
    Bytes routes = routes();
    int wires = pciIsaWires(routes);
    records.add(pic(0, state.pic().master()));
    records.add(pic(1, state.pic().slave()));
    records.add(ioApic());
    records.add(new HvmPciIrqs(0, pciWires()));
    int isa = state.pic().master().lines() | state.pic().slave().lines() << 8;
    records.add(new HvmIsaIrqs(0, isa & ~wires & ~XEN_WIRES));
    records.add(new HvmPciLinks(0, routes, Bytes.zero(4)));
    records.add(pit());
    records.add(rtc());
    hpet().ifPresent(records::add);
    AcpiPmState pm = state.acpiPm().orElseThrow();
    records.add(new HvmPmTimer(0, pm.pmTimer() & 0xffffffffL, pm.pm1Status(), pm.pm1Enable()));
    records.sort(
        Comparator.<HvmRecord>comparingInt(record -> record.type().code())
            .thenComparingInt(HvmRecord::instance));
    return new HvmContext(records);
  }

  private HvmHeader header() {
    VcpuState first = state.vcpus().getFirst();
    long signature =
        first.cpuid().stream()
            .filter(leaf -> leaf.leaf() == 1)
            .mapToLong(CpuidLeaf::eax)
            .findFirst()
            .orElse(0);
    long changeset = -1;
    return new HvmHeader(
        0,
        HvmContext.MAGIC,
        HvmContext.VERSION,
        changeset,
        signature & 0xffffffffL,
        state.clock().tscKhz());
  }

  private Bytes routes() {
    byte[] routes = new byte[4];
    for (PciFunction function : state.pci().functions()) {
      if (function.role() == PciRole.ISA_BRIDGE) {
        for (int link = 0; link < 4; link++) {
          int register = function.config().at(ROUTE_REGISTERS + link);
          routes[link] = (byte) ((register & 0x80) != 0 ? 0 : register & 15);
        }
      }
    }
    return Bytes.of(routes);
  }

  private List<Long> pciWires() {
    long[] wires = new long[2];
    for (PciFunction function : state.pci().functions()) {
      if (function.address().bus() == 0) {
        int first = 4 * function.address().device();
        wires[first / 64] |= (long) (function.intxLevel() & 15) << first % 64;
      }
    }
    return List.of(wires[0], wires[1]);
  }

  /** ISA interrupts that are asserted by way of a PIRQ; Xen counts these itself. */
  private int pciIsaWires(Bytes routes) {
    int wires = 0;
    for (PciFunction function : state.pci().functions()) {
      for (int pin = 0; pin < 4; pin++) {
        if (function.address().bus() == 0 && (function.intxLevel() >> pin & 1) != 0) {
          wires |= 1 << routes.at(function.address().device() + pin & 3);
        }
      }
    }
    return wires;
  }

  private static HvmPic pic(int instance, PicChip chip) {
    boolean master = instance == 0;
    int init = chip.initStep() | (chip.fourByteInit() ? 4 : 0);
    return new HvmPic(
        instance,
        chip.irr(),
        chip.imr(),
        chip.isr(),
        chip.vectorBase(),
        init | chip.lowestPriority() << 4,
        XenInterruptTranslation.modes(chip, master),
        chip.levelTriggered() | (master ? 1 << CASCADE : 0),
        raises(chip, master) ? 1 : 0);
  }

  /** Whether the chip's output is up: a request goes before all that is in service. */
  private static boolean raises(PicChip chip, boolean master) {
    int request = priority(chip, chip.irr() & ~chip.imr());
    int serving = chip.isr();
    boolean fromSlave = (request + chip.lowestPriority() & 7) == CASCADE;
    if (chip.specialFullyNested() && master && fromSlave) {
      serving &= ~(1 << CASCADE);
    }
    if (chip.specialMask()) {
      serving &= ~chip.imr();
    }
    return chip.initStep() == 0 && request < priority(chip, serving);
  }

  /** How far the first of some inputs stands behind the highest priority; 8 for none. */
  private static int priority(PicChip chip, int inputs) {
    int first = chip.lowestPriority();
    int rotated = (inputs >> first | inputs << 8 - first) & 0xff;
    return rotated == 0 ? 8 : Integer.numberOfTrailingZeros(rotated);
  }

  private HvmIoApic ioApic() {
    IoApicState chip = state.ioApic();
    return new HvmIoApic(0, chip.gpa(), chip.selectedRegister(), chip.id(), chip.redirections());
  }

  private HvmPit pit() {
    var channels = new ArrayList<HvmPit.Channel>();
    for (PitChannel channel : state.pit().channels()) {
      boolean programmed = channel.accessMode() != 0;
      channels.add(
          new HvmPit.Channel(
              channel.reload() == 0 ? 0x10000 : channel.reload(),
              channel.latchedCount(),
              channel.latchedOctets(),
              channel.statusLatched() ? 1 : 0,
              channel.latchedStatus(),
              channel.readHighNext() ? 4 : channel.accessMode(),
              channel.writeHighNext() ? 4 : channel.accessMode(),
              channel.writeLatch(),
              channel.accessMode(),
              programmed ? channel.mode() : XenTimerTranslation.NEVER_PROGRAMMED,
              channel.bcd() ? 1 : 0,
              channel.gate() ? 1 : 0));
      if (programmed && channel.nanosSinceLoad() != 0) {
        losses.add(
            "pit/nanosSinceLoad",
            channel.nanosSinceLoad(),
            "Xen begins a channel's count anew on restore");
      }
    }
    return new HvmPit(0, channels, state.pit().speakerData() ? 1 : 0, 0);
  }

  private HvmRtc rtc() {
    RtcState rtc = state.rtc();
    if (rtc.nanosToPeriodic() >= 0) {
      losses.add(
          "rtc/nanosToPeriodic", rtc.nanosToPeriodic(), "Xen begins the period anew on restore");
    }
    long host = Math.floorDiv(state.clock().realtimeNanos(), NANOS_PER_SECOND);
    return new HvmRtc(
        0,
        Bytes.of(Arrays.copyOf(rtc.cmos().toArray(), 14)),
        rtc.index(),
        0,
        rtc.guestSeconds() - host);
  }

  private Optional<HvmRecord> hpet() {
    return state
        .hpet()
        .map(hpet ->
            new HvmHpet(
                0,
                hpet.capabilities(),
                0,
                hpet.config(),
                0,
                hpet.interruptStatus(),
                Collections.nCopies(25, 0L),
                hpet.counter(),
                0,
                hpet.timers().stream()
                    .map(timer ->
                        new HvmHpet.Timer(timer.config(), timer.comparator(), timer.fsbRoute(), 0))
                    .toList(),
                Collections.nCopies(84, 0L),
                hpet.timers().stream().map(HpetTimer::period).toList()));
  }
}
