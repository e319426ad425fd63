package dev.here.formats.state;

import dev.here.machine.AcpiPmState;
import dev.here.machine.HpetState;
import dev.here.machine.HpetTimer;
import dev.here.machine.IoApicState;
import dev.here.machine.PicChip;
import dev.here.machine.PicState;
import dev.here.machine.PitChannel;
import dev.here.machine.PitState;
import dev.here.machine.RtcState;

/** Interrupt controllers, timers and power management. */
final class ChipsetJson {
  static final RecordJson<PicState> PIC =
      new RecordJson<>() {
        @Override
        public void write(PicState pic, StateWriter out) {
          out.object("master", pic.master(), PIC_CHIP);
          out.object("slave", pic.slave(), PIC_CHIP);
        }

        @Override
        public PicState read(StateReader in) {
          return new PicState(in.object("master", PIC_CHIP), in.object("slave", PIC_CHIP));
        }
      };

  private static final RecordJson<PicChip> PIC_CHIP =
      new RecordJson<>() {
        @Override
        public void write(PicChip chip, StateWriter out) {
          out.int32("irr", chip.irr());
          out.int32("imr", chip.imr());
          out.int32("isr", chip.isr());
          out.int32("lines", chip.lines());
          out.int32("levelTriggered", chip.levelTriggered());
          out.int32("levelCapable", chip.levelCapable());
          out.int32("lowestPriority", chip.lowestPriority());
          out.int32("vectorBase", chip.vectorBase());
          out.int32("initStep", chip.initStep());
          out.flag("readIsr", chip.readIsr());
          out.flag("poll", chip.poll());
          out.flag("specialMask", chip.specialMask());
          out.flag("autoEoi", chip.autoEoi());
          out.flag("rotateOnAutoEoi", chip.rotateOnAutoEoi());
          out.flag("specialFullyNested", chip.specialFullyNested());
          out.flag("fourByteInit", chip.fourByteInit());
        }

        @Override
        public PicChip read(StateReader in) {
          return new PicChip(
              in.int32("irr"),
              in.int32("imr"),
              in.int32("isr"),
              in.int32("lines"),
              in.int32("levelTriggered"),
              in.int32("levelCapable"),
              in.int32("lowestPriority"),
              in.int32("vectorBase"),
              in.int32("initStep"),
              in.flag("readIsr"),
              in.flag("poll"),
              in.flag("specialMask"),
              in.flag("autoEoi"),
              in.flag("rotateOnAutoEoi"),
              in.flag("specialFullyNested"),
              in.flag("fourByteInit"));
        }
      };

  static final RecordJson<IoApicState> IO_APIC =
      new RecordJson<>() {
        @Override
        public void write(IoApicState ioApic, StateWriter out) {
          out.int32("id", ioApic.id());
          out.int64("gpa", ioApic.gpa());
          out.int32("selectedRegister", ioApic.selectedRegister());
          out.int32("version", ioApic.version());
          out.int64("lines", ioApic.lines());
          out.int64List("redirections", ioApic.redirections());
        }

        @Override
        public IoApicState read(StateReader in) {
          return new IoApicState(
              in.int32("id"),
              in.int64("gpa"),
              in.int32("selectedRegister"),
              in.int32("version"),
              in.int64("lines"),
              in.int64List("redirections"));
        }
      };

  static final RecordJson<PitState> PIT =
      new RecordJson<>() {
        @Override
        public void write(PitState pit, StateWriter out) {
          out.list("channels", pit.channels(), PIT_CHANNEL);
          out.flag("speakerData", pit.speakerData());
          out.flag("refreshToggle", pit.refreshToggle());
        }

        @Override
        public PitState read(StateReader in) {
          return new PitState(
              in.list("channels", PIT_CHANNEL), in.flag("speakerData"), in.flag("refreshToggle"));
        }
      };

  private static final RecordJson<PitChannel> PIT_CHANNEL =
      new RecordJson<>() {
        @Override
        public void write(PitChannel channel, StateWriter out) {
          out.int32("reload", channel.reload());
          out.int32("mode", channel.mode());
          out.flag("bcd", channel.bcd());
          out.int32("accessMode", channel.accessMode());
          out.flag("gate", channel.gate());
          out.flag("readHighNext", channel.readHighNext());
          out.flag("writeHighNext", channel.writeHighNext());
          out.int32("writeLatch", channel.writeLatch());
          out.int32("latchedCount", channel.latchedCount());
          out.int32("latchedOctets", channel.latchedOctets());
          out.flag("statusLatched", channel.statusLatched());
          out.int32("latchedStatus", channel.latchedStatus());
          out.int64("nanosSinceLoad", channel.nanosSinceLoad());
          out.flag("interruptDisabled", channel.interruptDisabled());
        }

        @Override
        public PitChannel read(StateReader in) {
          return new PitChannel(
              in.int32("reload"),
              in.int32("mode"),
              in.flag("bcd"),
              in.int32("accessMode"),
              in.flag("gate"),
              in.flag("readHighNext"),
              in.flag("writeHighNext"),
              in.int32("writeLatch"),
              in.int32("latchedCount"),
              in.int32("latchedOctets"),
              in.flag("statusLatched"),
              in.int32("latchedStatus"),
              in.int64("nanosSinceLoad"),
              in.flag("interruptDisabled"));
        }
      };

  static final RecordJson<RtcState> RTC =
      new RecordJson<>() {
        @Override
        public void write(RtcState rtc, StateWriter out) {
          out.octets("cmos", rtc.cmos());
          out.int32("index", rtc.index());
          out.int64("guestSeconds", rtc.guestSeconds());
          out.int64("guestNanos", rtc.guestNanos());
          out.int64("nanosToPeriodic", rtc.nanosToPeriodic());
        }

        @Override
        public RtcState read(StateReader in) {
          return new RtcState(
              in.octets("cmos"),
              in.int32("index"),
              in.int64("guestSeconds"),
              in.int64("guestNanos"),
              in.int64("nanosToPeriodic"));
        }
      };

  static final RecordJson<HpetState> HPET =
      new RecordJson<>() {
        @Override
        public void write(HpetState hpet, StateWriter out) {
          out.int64("gpa", hpet.gpa());
          out.int64("capabilities", hpet.capabilities());
          out.int64("config", hpet.config());
          out.int64("interruptStatus", hpet.interruptStatus());
          out.int64("counter", hpet.counter());
          out.list("timers", hpet.timers(), HPET_TIMER);
        }

        @Override
        public HpetState read(StateReader in) {
          return new HpetState(
              in.int64("gpa"),
              in.int64("capabilities"),
              in.int64("config"),
              in.int64("interruptStatus"),
              in.int64("counter"),
              in.list("timers", HPET_TIMER));
        }
      };

  private static final RecordJson<HpetTimer> HPET_TIMER =
      new RecordJson<>() {
        @Override
        public void write(HpetTimer timer, StateWriter out) {
          out.int64("config", timer.config());
          out.int64("comparator", timer.comparator());
          out.int64("fsbRoute", timer.fsbRoute());
          out.int64("period", timer.period());
        }

        @Override
        public HpetTimer read(StateReader in) {
          return new HpetTimer(
              in.int64("config"), in.int64("comparator"), in.int64("fsbRoute"), in.int64("period"));
        }
      };

  static final RecordJson<AcpiPmState> ACPI_PM =
      new RecordJson<>() {
        @Override
        public void write(AcpiPmState pm, StateWriter out) {
          out.int32("pmBase", pm.pmBase());
          out.int32("pm1Status", pm.pm1Status());
          out.int32("pm1Enable", pm.pm1Enable());
          out.int32("pm1Control", pm.pm1Control());
          out.int64("pmTimer", pm.pmTimer());
          out.int32("pmTimerBits", pm.pmTimerBits());
          out.int32("gpeBase", pm.gpeBase());
          out.octets("gpeStatus", pm.gpeStatus());
          out.octets("gpeEnable", pm.gpeEnable());
          out.int32("apmControl", pm.apmControl());
          out.int32("apmStatus", pm.apmStatus());
          out.int32("smbusBase", pm.smbusBase());
          out.octets("smbusRegisters", pm.smbusRegisters());
          out.int32("pciHotplugBase", pm.pciHotplugBase());
          out.int32List("pciHotplugSelectUpDown", pm.pciHotplugSelectUpDown());
          out.int32("cpuHotplugBase", pm.cpuHotplugBase());
          out.flag("cpuHotplugModern", pm.cpuHotplugModern());
          out.int32("cpuHotplugSelector", pm.cpuHotplugSelector());
          out.int32("cpuHotplugCommand", pm.cpuHotplugCommand());
        }

        @Override
        public AcpiPmState read(StateReader in) {
          return new AcpiPmState(
              in.int32("pmBase"),
              in.int32("pm1Status"),
              in.int32("pm1Enable"),
              in.int32("pm1Control"),
              in.int64("pmTimer"),
              in.int32("pmTimerBits"),
              in.int32("gpeBase"),
              in.octets("gpeStatus"),
              in.octets("gpeEnable"),
              in.int32("apmControl"),
              in.int32("apmStatus"),
              in.int32("smbusBase"),
              in.octets("smbusRegisters"),
              in.int32("pciHotplugBase"),
              in.int32List("pciHotplugSelectUpDown"),
              in.int32("cpuHotplugBase"),
              in.flag("cpuHotplugModern"),
              in.int32("cpuHotplugSelector"),
              in.int32("cpuHotplugCommand"));
        }
      };

  private ChipsetJson() {}
}
