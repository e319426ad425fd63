package dev.here.formats.qemu;

import dev.here.machine.AcpiPmState;
import dev.here.machine.Bytes;
import dev.here.machine.FirmwareConfigState;
import dev.here.machine.I8042State;
import dev.here.machine.IdeChannel;
import dev.here.machine.IdeDrive;
import dev.here.machine.MachineState;
import dev.here.machine.SerialState;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The small devices of a device model's state, as far as a running operating system touches them;
 * the way back of {@link QemuIsaTranslation}, {@link QemuKeyboardTranslation}, {@link
 * QemuIdeTranslation} and {@link QemuTimerTranslation}.
 */
final class QemuIsaPatch {
  /** Of the clock's memory the first octets are registers, which Xen has. */
  private static final int CLOCK_REGISTERS = 14;

  private static final int QUEUE_BYTES = 256;
  private static final int FIFO_BYTES = 16;
  private static final int LSR_TRANSMITTER_EMPTY = 0x40;
  private static final int KEYBOARD_PENDING = 0x11;
  private static final int MOUSE_PENDING = 0x22;
  private static final List<String> SERIAL_PARTS =
      List.of(
          "serial/thr_ipending",
          "serial/tsr",
          "serial/recv_fifo",
          "serial/xmit_fifo",
          "serial/fifo_timeout_timer",
          "serial/timeout_ipending");

  private final VmState state;
  private final MachineState machine;

  QemuIsaPatch(VmState state, MachineState machine) {
    this.state = state;
    this.machine = machine;
  }

  void apply() {
    clockMemory();
    for (int i = 0; i < machine.isa().serials().size(); i++) {
      serial(state.require("serial", i).struct("state"), machine.isa().serials().get(i));
    }
    machine.isa().i8042().ifPresent(this::keyboard);
    machine.isa().firmwareConfig().ifPresent(this::firmwareConfig);
    state
        .section("port92", 0)
        .ifPresent(port -> port.set("outport", machine.isa().systemControlA()));
    machine.acpiPm().ifPresent(this::power);
    if (!machine.isa().ide().isEmpty()) {
      VmStruct ide = state.require("0000:00:01.1/ide", 0);
      for (int i = 0; i < machine.isa().ide().size(); i++) {
        ide(ide, i, machine.isa().ide().get(i));
      }
    }
  }

  private void clockMemory() {
    VmStruct clock = state.require("mc146818rtc", 0);
    byte[] octets = clock.octets("cmos_data", 128);
    byte[] now = machine.rtc().cmos().toArray();
    System.arraycopy(now, CLOCK_REGISTERS, octets, CLOCK_REGISTERS, 128 - CLOCK_REGISTERS);
    clock.setOctets("cmos_data", octets);
  }

  private static void serial(VmStruct uart, SerialState now) {
    uart.set("divider", now.divisor());
    uart.set("rbr", now.receiveBuffer());
    uart.set("ier", now.interruptEnable());
    uart.set("iir", now.interruptIdentification());
    uart.set("lcr", now.lineControl());
    uart.set("mcr", now.modemControl());
    uart.set("msr", now.modemStatus());
    uart.set("scr", now.scratch());
    uart.set("fcr_vmstate", now.fifoControl());
    SERIAL_PARTS.forEach(uart::drop);
    // QEMU refuses a transmitter that is at work without an octet in its shift register.
    uart.set("lsr", now.lineStatus() | LSR_TRANSMITTER_EMPTY);
    part(uart, "thr_ipending", now.transmitInterruptPending() ? 1 : 0);
    part(uart, "timeout_ipending", now.timeoutPending() ? 1 : 0);
    fifo(uart, "recv_fifo", now.receiveFifo());
    fifo(uart, "xmit_fifo", now.transmitFifo());
  }

  private static void part(VmStruct uart, String name, long value) {
    var part = new VmStruct(uart.place().then(name), "serial/" + name);
    part.put(name, value);
    uart.put(part, "serial/" + name);
  }

  private static void fifo(VmStruct uart, String name, Bytes octets) {
    if (octets.length() == 0) {
      return;
    }
    var part = new VmStruct(uart.place().then(name), "serial/" + name);
    var fifo = new VmStruct(part.place().then(name), "Fifo8");
    fifo.put("data", new VmValue.Octets(Arrays.copyOf(octets.toArray(), FIFO_BYTES)));
    fifo.put("head", 0);
    fifo.put("num", octets.length());
    part.put(name, new VmValue.Nested(fifo));
    uart.put(part, "serial/" + name);
  }

  private void keyboard(I8042State now) {
    VmStruct controller = state.require("pckbd", 0).struct("kbd");
    controller.set("status", now.status());
    controller.set("mode", now.command());
    controller.set("write_cmd", now.writeCommand());
    int pending = controller.number("pending_tmp", 0, 255);
    int known =
        ((pending & KEYBOARD_PENDING) != 0 ? 1 : 0) | ((pending & MOUSE_PENDING) != 0 ? 2 : 0);
    if (known != now.pending()) {
      controller.set(
          "pending_tmp",
          ((now.pending() & 1) != 0 ? KEYBOARD_PENDING : 0)
              | ((now.pending() & 2) != 0 ? MOUSE_PENDING : 0));
    }
    controller.drop("pckbd_outport");
    var outport = new VmStruct(controller.place().then("outport"), "pckbd_outport");
    outport.put("outport", now.outputPort());
    controller.put(outport, "pckbd_outport");
    controller
        .subsection("pckbd/extended_state")
        .ifPresent(part -> part.set("obdata", now.lastOutput()));
    ports(now);
  }

  private void ports(I8042State now) {
    VmStruct keyboard = state.require("ps2kbd", 0);
    VmStruct keyboardQueue = keyboard.struct("parent_obj");
    keyboardQueue.set("write_cmd", now.keyboardCommand());
    queue(keyboardQueue, now.keyboardQueue());
    keyboard.set("scan_enabled", now.keyboardScanning() ? 1 : 0);
    keyboard.set("scancode_set", now.scancodeSet());
    keyboard.subsection("ps2kbd/ledstate").ifPresent(part -> part.set("ledstate", now.leds()));
    VmStruct mouse = state.require("ps2mouse", 0);
    VmStruct mouseQueue = mouse.struct("parent_obj");
    mouseQueue.set("write_cmd", now.mouseCommand());
    queue(mouseQueue, now.mouseQueue());
    mouse.set("mouse_status", now.mouseStatus());
    mouse.set("mouse_resolution", now.mouseResolution());
    mouse.set("mouse_sample_rate", now.mouseSampleRate());
    mouse.set("mouse_type", now.mouseType());
  }

  private static void queue(VmStruct device, Bytes octets) {
    if (octets.length() == 0 && device.number("queue.count") == 0) {
      return;
    }
    device.setOctets("queue.data", Arrays.copyOf(octets.toArray(), QUEUE_BYTES));
    device.set("queue.rptr", 0);
    device.set("queue.wptr", octets.length() % QUEUE_BYTES);
    device.set("queue.count", octets.length());
  }

  private void firmwareConfig(FirmwareConfigState now) {
    VmStruct config = state.require("fw_cfg", 0);
    config.set("cur_entry", now.selected());
    config.set("cur_offset[1]", now.offset());
  }

  private void power(AcpiPmState now) {
    VmStruct pm = state.require("0000:00:01.3/piix4_pm", 0);
    pm.set("ar.pm1.evt.sts", now.pm1Status());
    pm.set("ar.pm1.evt.en", now.pm1Enable());
    pm.set("ar.pm1.cnt.cnt", now.pm1Control());
    VmStruct gpe = pm.struct("ar.gpe");
    gpe.set("sts", u16(now.gpeStatus()));
    gpe.set("en", u16(now.gpeEnable()));
    VmStruct apm = pm.struct("apm");
    apm.set("apmc", now.apmControl());
    apm.set("apms", now.apmStatus());
    if (now.smbusRegisters().length() == 8) {
      smbus(pm.struct("smb"), now.smbusRegisters());
    }
  }

  private static int u16(Bytes octets) {
    return octets.length() < 2 ? 0 : octets.u16(0);
  }

  private static void smbus(VmStruct smb, Bytes now) {
    smb.set("smb_stat", now.at(0));
    smb.set("smb_ctl", now.at(2));
    smb.set("smb_cmd", now.at(3));
    smb.set("smb_addr", now.at(4));
    smb.set("smb_data0", now.at(5));
    smb.set("smb_data1", now.at(6));
    smb.set("smb_blkdata", now.at(7));
  }

  /** Task files, which an operating system that polls an empty drive changes. */
  private static void ide(VmStruct ide, int index, IdeChannel now) {
    VmStruct bus = ide.structs("bus", 2).get(index);
    bus.set("unit", now.selectedDrive());
    bus.set("cmd", now.control());
    VmStruct master = ide.structs("bmdma", 2).get(index);
    master.set("cmd", now.busMasterCommand());
    master.set("addr", now.busMasterTable());
    Optional<VmStruct> status = master.subsection("ide bmdma/status");
    if (status.isPresent()) {
      status.get().set("status", now.busMasterStatus());
    } else {
      master.set("migration_compat_status", now.busMasterStatus());
    }
    List<VmStruct> drives = ide.structs("bus[" + index + "].ifs", 2);
    for (int unit = 0; unit < 2; unit++) {
      drive(drives.get(unit), now.drives().get(unit));
    }
  }

  private static void drive(VmStruct drive, IdeDrive now) {
    if (drive.flag("identify_set") != now.present()) {
      throw new QemuStreamException(
          -1,
          "%s: the guest has %s drive there, the device model %s"
              .formatted(drive.path(), now.present() ? "a" : "no", now.present() ? "none" : "one"));
    }
    drive.set("feature", now.feature());
    drive.set("error", now.error());
    drive.set("nsector", now.sectorCount());
    drive.set("sector", now.lbaLow());
    drive.set("lcyl", now.lbaMid());
    drive.set("hcyl", now.lbaHigh());
    drive.set("select", now.select());
    drive.set("status", now.status());
    drive.set("sense_key", now.senseKey());
    drive.set("asc", now.additionalSense());
  }
}
