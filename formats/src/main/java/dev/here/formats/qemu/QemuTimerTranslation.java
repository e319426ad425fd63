package dev.here.formats.qemu;

import dev.here.machine.AcpiPmState;
import dev.here.machine.Bytes;
import dev.here.machine.HpetState;
import dev.here.machine.HpetTimer;
import dev.here.machine.PitChannel;
import dev.here.machine.PitState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The 8254, the HPET and the ACPI power management with its timer. Their times are nanoseconds of
 * QEMU's virtual clock, which stands at the instant of capture; they become times relative to it.
 * Facts: QEMU 7.2's hw/timer/i8254_common.c, hpet.c, hw/acpi/core.c and piix4.c.
 */
final class QemuTimerTranslation {
  private static final long HPET_GPA = 0xfed00000L;

  /** Vendor 8086h, legacy routing, 64-bit counter, revision 1; then the period in femtoseconds. */
  private static final long HPET_IDENTITY = 0x8086a001L;

  private static final long HPET_PERIOD_FEMTOS = 10_000_000L;

  private static final long PM_TIMER_HERTZ = 3_579_545;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int PM_TIMER_BITS = 24;
  private static final int GPE_PORT = 0xafe0;
  private static final int PCI_HOTPLUG_PORT = 0xae00;
  private static final int CPU_HOTPLUG_PORT = 0xaf00;
  private static final String PM = "0000:00:01.3/piix4_pm";

  private final VmState state;
  private final long virtualNanos;

  QemuTimerTranslation(VmState state, long virtualNanos) {
    this.state = state;
    this.virtualNanos = virtualNanos;
  }

  PitState pit() {
    VmStruct pit = state.require("i8254", 0);
    boolean disabled = pit.flag("channels[0].irq_disabled");
    List<VmStruct> channels = pit.structs("channels", 3);
    var out = new ArrayList<PitChannel>();
    for (int i = 0; i < 3; i++) {
      out.add(channel(channels.get(i), i == 0 && disabled));
    }
    VmStruct speaker = state.require("pcspk", 0);
    return new PitState(
        out, (speaker.number("data_on") & 1) != 0, speaker.flag("dummy_refresh_clock"));
  }

  private PitChannel channel(VmStruct channel, boolean disabled) {
    int count = channel.number("count", 0, 0x10000);
    return new PitChannel(
        count & 0xffff,
        channel.number("mode", 0, 7) & (channel.number("mode") > 5 ? 3 : 7),
        channel.flag("bcd"),
        channel.number("rw_mode", 0, 3),
        channel.flag("gate"),
        channel.number("read_state", 0, 4) == 4,
        channel.number("write_state", 0, 4) == 4,
        channel.number("write_latch", 0, 255),
        channel.number("latched_count", 0, 0xffff),
        channel.number("count_latched", 0, 4),
        channel.flag("status_latched"),
        channel.number("status", 0, 255),
        virtualNanos - channel.number("count_load_time"),
        disabled);
  }

  Optional<HpetState> hpet() {
    return state.section("hpet", 0).map(this::hpet);
  }

  private HpetState hpet(VmStruct hpet) {
    var timers = new ArrayList<HpetTimer>();
    for (VmStruct timer : hpet.structs("timer")) {
      timers.add(
          new HpetTimer(
              timer.number("config"),
              timer.number("cmp"),
              timer.number("fsb"),
              timer.number("period")));
    }
    long identity = HPET_IDENTITY | (long) (timers.size() - 1) << 8 | HPET_PERIOD_FEMTOS << 32;
    return new HpetState(
        HPET_GPA,
        identity,
        hpet.number("config"),
        hpet.number("isr"),
        hpet.number("hpet_counter"),
        timers);
  }

  Optional<AcpiPmState> acpiPm() {
    return state.section(PM, 0).map(this::acpiPm);
  }

  private AcpiPmState acpiPm(VmStruct pm) {
    byte[] config = QemuPciConfig.of(pm, "parent_obj");
    VmStruct apm = pm.struct("apm");
    VmStruct gpe = pm.struct("ar.gpe");
    Optional<VmStruct> cpuHotplug =
        pm.subsection("piix4_pm/cpuhp").map(part -> part.struct("cpuhp_state"));
    return new AcpiPmState(
        QemuPciConfig.u16(config, 0x40) & 0xffc0,
        pm.number("ar.pm1.evt.sts", 0, 0xffff),
        pm.number("ar.pm1.evt.en", 0, 0xffff),
        pm.number("ar.pm1.cnt.cnt", 0, 0xffff),
        pmTimer(),
        PM_TIMER_BITS,
        GPE_PORT,
        octets(gpe.number("sts", 0, 0xffff)),
        octets(gpe.number("en", 0, 0xffff)),
        apm.number("apmc", 0, 255),
        apm.number("apms", 0, 255),
        QemuPciConfig.u16(config, 0x90) & 0xfffe,
        smbus(pm.struct("smb")),
        PCI_HOTPLUG_PORT,
        hotplug(pm),
        CPU_HOTPLUG_PORT,
        cpuHotplug.isPresent(),
        cpuHotplug.map(part -> (int) part.number("selector")).orElse(0),
        cpuHotplug.map(part -> part.number("command", 0, 255)).orElse(0));
  }

  /** The virtual clock in ticks of the power-management timer; exact without a 128-bit product. */
  private long pmTimer() {
    long seconds = virtualNanos / NANOS_PER_SECOND;
    long rest = virtualNanos % NANOS_PER_SECOND;
    return seconds * PM_TIMER_HERTZ + rest * PM_TIMER_HERTZ / NANOS_PER_SECOND;
  }

  /** QEMU writes the first two status octets as one number of the host's order, little-endian. */
  private static Bytes octets(int value) {
    return Bytes.of(new byte[] {(byte) value, (byte) (value >> 8)});
  }

  private static Bytes smbus(VmStruct smb) {
    return Bytes.of(
        new byte[] {
          (byte) smb.number("smb_stat"),
          0,
          (byte) smb.number("smb_ctl"),
          (byte) smb.number("smb_cmd"),
          (byte) smb.number("smb_addr"),
          (byte) smb.number("smb_data0"),
          (byte) smb.number("smb_data1"),
          (byte) smb.number("smb_blkdata")
        });
  }

  private static List<Integer> hotplug(VmStruct pm) {
    // Under Xen there is one bus and nothing to select.
    String select = "acpi_pci_hotplug.hotplug_select";
    int bus = pm.has(select) ? (int) pm.number(select) : 0;
    List<VmStruct> buses = pm.structs("acpi_pci_hotplug.acpi_pcihp_pci_status");
    if (bus < 0 || bus >= buses.size()) {
      return List.of(bus, 0, 0);
    }
    VmStruct selected = buses.get(bus);
    return List.of(bus, (int) selected.number("up"), (int) selected.number("down"));
  }
}
