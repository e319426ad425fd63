package dev.here.formats.xen;

import dev.here.machine.AcpiPmState;
import dev.here.machine.HpetState;
import dev.here.machine.HpetTimer;
import dev.here.machine.PitChannel;
import dev.here.machine.PitState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The 8254, the HPET and the ACPI timer. Facts: Xen 4.17's xen/arch/x86/emul-i8254.c, hvm/hpet.c,
 * hvm/pmtimer.c.
 */
final class XenTimerTranslation {
  static final long HPET_GPA = 0xfed00000L;
  private static final long HPET_LEGACY = 1 << 1;
  private static final long HPET_ENABLED = 1;
  static final int PM_TIMER_BITS = 32;
  static final int NEVER_PROGRAMMED = 0xff;
  private static final int HIGH_OCTET = 4;

  private final HvmContext context;
  private final XenGuestFacts facts;
  private final XenLosses losses;

  XenTimerTranslation(HvmContext context, XenGuestFacts facts, XenLosses losses) {
    this.context = context;
    this.facts = facts;
    this.losses = losses;
  }

  PitState pit() {
    HvmPit pit = context.require(HvmPit.class, 0);
    boolean replaced = hpet().filter(hpet -> replacesPit(hpet.config())).isPresent();
    List<PitChannel> channels = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      channels.add(channel(pit.channels().get(i), i, i == 0 && replaced));
    }
    return new PitState(channels, pit.speakerDataOn() != 0, false);
  }

  private static boolean replacesPit(long config) {
    return (config & (HPET_LEGACY | HPET_ENABLED)) == (HPET_LEGACY | HPET_ENABLED);
  }

  /** Xen does not save when counting began; it begins anew, as after Xen's own restore. */
  private PitChannel channel(HvmPit.Channel channel, int index, boolean replaced) {
    boolean programmed = channel.mode() != NEVER_PROGRAMMED;
    if (programmed) {
      losses.add(
          "PIT/channel %d/phase".formatted(index),
          channel.count(),
          "Xen does not save when counting began; the channel begins anew");
    }
    return new PitChannel(
        (int) channel.count() & 0xffff,
        programmed ? channel.mode() : 0,
        channel.bcd() != 0,
        channel.rwMode(),
        channel.gate() != 0,
        channel.readState() == HIGH_OCTET,
        channel.writeState() == HIGH_OCTET,
        channel.writeLatch(),
        channel.latchedCount(),
        channel.countLatched(),
        channel.statusLatched() != 0,
        channel.status(),
        0,
        replaced);
  }

  Optional<HpetState> hpet() {
    return facts.hpet() ? context.find(HvmHpet.class, 0).map(this::hpet) : Optional.empty();
  }

  private HpetState hpet(HvmHpet hpet) {
    var timers = new ArrayList<HpetTimer>();
    for (int i = 0; i < hpet.timers().size(); i++) {
      HvmHpet.Timer timer = hpet.timers().get(i);
      timers.add(new HpetTimer(timer.config(), timer.cmp(), timer.fsb(), hpet.period().get(i)));
    }
    return new HpetState(
        HPET_GPA, hpet.capability(), hpet.config(), hpet.isr(), hpet.mc64(), timers);
  }

  /** The device model's power management with the registers that Xen keeps. */
  AcpiPmState acpiPm(AcpiPmState device) {
    HvmPmTimer timer = context.require(HvmPmTimer.class, 0);
    return new AcpiPmState(
        device.pmBase(),
        timer.pm1aSts(),
        timer.pm1aEn(),
        device.pm1Control(),
        timer.tmrVal(),
        PM_TIMER_BITS,
        device.gpeBase(),
        device.gpeStatus(),
        device.gpeEnable(),
        device.apmControl(),
        device.apmStatus(),
        device.smbusBase(),
        device.smbusRegisters(),
        device.pciHotplugBase(),
        device.pciHotplugSelectUpDown(),
        device.cpuHotplugBase(),
        device.cpuHotplugModern(),
        device.cpuHotplugSelector(),
        device.cpuHotplugCommand());
  }
}
