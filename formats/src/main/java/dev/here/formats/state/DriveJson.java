package dev.here.formats.state;

import dev.here.machine.FloppyState;
import dev.here.machine.IdeChannel;
import dev.here.machine.IdeDrive;

/** The floppy controller and the IDE channels with their drives. */
final class DriveJson {
  static final RecordJson<FloppyState> FLOPPY =
      new RecordJson<>() {
        @Override
        public void write(FloppyState floppy, StateWriter out) {
          out.int32("statusA", floppy.statusA());
          out.int32("statusB", floppy.statusB());
          out.int32("digitalOutput", floppy.digitalOutput());
          out.int32("tapeDrive", floppy.tapeDrive());
          out.int32("dataRateSelect", floppy.dataRateSelect());
          out.int32("mainStatus", floppy.mainStatus());
          out.int32("status0", floppy.status0());
          out.int32("interruptPending", floppy.interruptPending());
          out.octets("fifo", floppy.fifo());
          out.int32("fifoPosition", floppy.fifoPosition());
          out.int32("fifoLength", floppy.fifoLength());
          out.int32("phase", floppy.phase());
        }

        @Override
        public FloppyState read(StateReader in) {
          return new FloppyState(
              in.int32("statusA"),
              in.int32("statusB"),
              in.int32("digitalOutput"),
              in.int32("tapeDrive"),
              in.int32("dataRateSelect"),
              in.int32("mainStatus"),
              in.int32("status0"),
              in.int32("interruptPending"),
              in.octets("fifo"),
              in.int32("fifoPosition"),
              in.int32("fifoLength"),
              in.int32("phase"));
        }
      };

  static final RecordJson<IdeChannel> IDE_CHANNEL =
      new RecordJson<>() {
        @Override
        public void write(IdeChannel channel, StateWriter out) {
          out.int32("port", channel.port());
          out.int32("controlPort", channel.controlPort());
          out.int32("irq", channel.irq());
          out.int32("selectedDrive", channel.selectedDrive());
          out.int32("control", channel.control());
          out.flag("interrupt", channel.interrupt());
          out.int32("busMasterCommand", channel.busMasterCommand());
          out.int32("busMasterStatus", channel.busMasterStatus());
          out.int64("busMasterTable", channel.busMasterTable());
          out.list("drives", channel.drives(), IDE_DRIVE);
        }

        @Override
        public IdeChannel read(StateReader in) {
          return new IdeChannel(
              in.int32("port"),
              in.int32("controlPort"),
              in.int32("irq"),
              in.int32("selectedDrive"),
              in.int32("control"),
              in.flag("interrupt"),
              in.int32("busMasterCommand"),
              in.int32("busMasterStatus"),
              in.int64("busMasterTable"),
              in.list("drives", IDE_DRIVE));
        }
      };

  private static final RecordJson<IdeDrive> IDE_DRIVE =
      new RecordJson<>() {
        @Override
        public void write(IdeDrive drive, StateWriter out) {
          out.flag("present", drive.present());
          out.flag("cd", drive.cd());
          out.int32("feature", drive.feature());
          out.int32("error", drive.error());
          out.int32("sectorCount", drive.sectorCount());
          out.int32("lbaLow", drive.lbaLow());
          out.int32("lbaMid", drive.lbaMid());
          out.int32("lbaHigh", drive.lbaHigh());
          out.int32("select", drive.select());
          out.int32("status", drive.status());
          out.int32("senseKey", drive.senseKey());
          out.int32("additionalSense", drive.additionalSense());
          out.flag("packetAwaited", drive.packetAwaited());
          out.octets("transfer", drive.transfer());
          out.int32("transferPosition", drive.transferPosition());
          out.octets("identity", drive.identity());
        }

        @Override
        public IdeDrive read(StateReader in) {
          return new IdeDrive(
              in.flag("present"),
              in.flag("cd"),
              in.int32("feature"),
              in.int32("error"),
              in.int32("sectorCount"),
              in.int32("lbaLow"),
              in.int32("lbaMid"),
              in.int32("lbaHigh"),
              in.int32("select"),
              in.int32("status"),
              in.int32("senseKey"),
              in.int32("additionalSense"),
              in.flag("packetAwaited"),
              in.octets("transfer"),
              in.int32("transferPosition"),
              in.octets("identity"));
        }
      };

  private DriveJson() {}
}
