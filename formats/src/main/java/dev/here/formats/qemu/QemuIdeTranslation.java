package dev.here.formats.qemu;

import dev.here.machine.Bytes;
import dev.here.machine.IdeChannel;
import dev.here.machine.IdeDrive;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The IDE controller with its empty CD drive. Facts: QEMU 7.2's hw/ide/core.c and pci.c. */
final class QemuIdeTranslation {
  private static final String SECTION = "0000:00:01.1/ide";
  private static final int[] PORTS = {0x1f0, 0x170};
  private static final int[] CONTROL_PORTS = {0x3f6, 0x376};

  /** Place of ide_atapi_cmd in QEMU's table of functions that end a transfer. */
  private static final int ENDS_WITH_COMMAND = 4;

  private final VmState state;
  private final int isaWires;

  /**
   * @param isaWires levels of the ISA interrupts
   */
  QemuIdeTranslation(VmState state, int isaWires) {
    this.state = state;
    this.isaWires = isaWires;
  }

  /** Both channels, or none without a controller. */
  List<IdeChannel> channels() {
    Optional<VmStruct> section = state.section(SECTION, 0);
    if (section.isEmpty()) {
      return List.of();
    }
    return List.of(channel(section.get(), 0), channel(section.get(), 1));
  }

  private IdeChannel channel(VmStruct ide, int index) {
    VmStruct bus = ide.structs("bus", 2).get(index);
    VmStruct master = ide.structs("bmdma", 2).get(index);
    var drives = new ArrayList<IdeDrive>();
    for (VmStruct drive : ide.structs("bus[" + index + "].ifs", 2)) {
      drives.add(drive(drive));
    }
    return new IdeChannel(
        PORTS[index],
        CONTROL_PORTS[index],
        14 + index,
        bus.number("unit", 0, 1),
        bus.number("cmd", 0, 255),
        (isaWires >> 14 + index & 1) != 0,
        master.number("cmd", 0, 255),
        master
            .subsection("ide bmdma/status")
            .map(part -> part.number("status", 0, 255))
            .orElse(master.number("migration_compat_status", 0, 255)),
        master.number("addr"),
        drives);
  }

  private static IdeDrive drive(VmStruct drive) {
    boolean present = drive.flag("identify_set");
    boolean packet =
        present && (QemuPciConfig.u16(drive.octets("identify_data", 512), 0) & 0x8000) != 0;
    if (present && !packet) {
      throw new QemuStreamException(
          -1, drive.path() + " is an IDE disk, which can't be carried: use a virtio disk");
    }
    Optional<VmStruct> transfer = drive.subsection("ide_drive/pio_state");
    return new IdeDrive(
        present,
        packet,
        drive.number("feature", 0, 255),
        drive.number("error", 0, 255),
        (int) drive.number("nsector") & 0xff,
        drive.number("sector", 0, 255),
        drive.number("lcyl", 0, 255),
        drive.number("hcyl", 0, 255),
        drive.number("select", 0, 255),
        drive.number("status", 0, 255),
        drive.number("sense_key", 0, 255),
        drive.number("asc", 0, 255),
        transfer
            .filter(part -> part.number("end_transfer_fn_idx") == ENDS_WITH_COMMAND)
            .isPresent(),
        transfer.map(QemuIdeTranslation::remaining).orElse(Bytes.EMPTY),
        0,
        present ? Bytes.of(drive.octets("identify_data", 512)) : Bytes.EMPTY);
  }

  private static Bytes remaining(VmStruct transfer) {
    byte[] buffer = transfer.octets("io_buffer");
    int start = transfer.number("cur_io_buffer_offset", 0, buffer.length);
    int length = transfer.number("cur_io_buffer_len", 0, buffer.length - start);
    return Bytes.of(Arrays.copyOfRange(buffer, start, start + length));
  }
}
