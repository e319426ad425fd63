package dev.here.vmm;

import dev.here.machine.IdeChannel;
import java.util.List;

/**
 * One IDE channel with two places for CD drives (ATA/ATAPI-6, section 7) and its bus master.
 * Guarded by the platform's lock.
 */
public final class IdeChannelDevice implements PortDevice {
  private static final int DATA = 0;
  private static final int RESET = 0x04;
  private static final int INTERRUPTS_OFF = 0x02;

  private final IdeChannel origin;
  private final List<EmptyCdDrive> drives;
  private final InterruptLine line;
  private int selected;
  private int control;
  private boolean interrupt;
  private final IdeBusMaster busMaster;

  /**
   * @param memory where the bus master reads its table and writes data
   */
  public IdeChannelDevice(IdeChannel state, GuestMemory memory, InterruptLine line) {
    this.origin = state;
    this.line = line;
    drives = state.drives().stream().map(EmptyCdDrive::new).toList();
    selected = state.selectedDrive();
    control = state.control();
    interrupt = state.interrupt();
    busMaster = new IdeBusMaster(state, memory);
    drive();
  }

  public IdeChannel state() {
    return new IdeChannel(
        origin.port(),
        origin.controlPort(),
        origin.irq(),
        selected,
        control,
        interrupt,
        busMaster.command(),
        busMaster.status(),
        busMaster.table(),
        drives.stream().map(EmptyCdDrive::state).toList());
  }

  public void attach(PortBus ports) {
    ports.attach(origin.port(), 8, this);
    ports.attach(origin.controlPort(), 1, this);
  }

  /** One of the eight octets of its bus master's registers. */
  int readBusMaster(int offset) {
    return busMaster.read(offset);
  }

  /** Writes one of the eight octets of its bus master's registers. */
  void writeBusMaster(int offset, int value) {
    busMaster.write(offset, value);
    transferByBusMaster();
  }

  @Override
  public int read(int port, int sizeBytes) {
    EmptyCdDrive drive = drives.get(selected);
    if (!drive.present()) {
      return 0;
    }
    if (port == origin.controlPort()) {
      return drive.status;
    }
    return switch (port - origin.port()) {
      case DATA -> readData(drive, sizeBytes);
      case 1 -> drive.error;
      case 2 -> drive.sectorCount;
      case 3 -> drive.lbaLow;
      case 4 -> drive.lbaMid;
      case 5 -> drive.lbaHigh;
      case 6 -> drive.select;
      case 7 -> {
        interrupt = false;
        drive();
        yield drive.status;
      }
      default -> 0xff;
    };
  }

  @Override
  public void write(int port, int sizeBytes, int value) {
    if (port == origin.controlPort()) {
      control(value & 0xff);
      return;
    }
    int octet = value & 0xff;
    switch (port - origin.port()) {
      case DATA -> writeData(sizeBytes, value);
      case 1 -> drives.forEach(drive -> drive.feature = octet);
      case 2 -> drives.forEach(drive -> drive.sectorCount = octet);
      case 3 -> drives.forEach(drive -> drive.lbaLow = octet);
      case 4 -> drives.forEach(drive -> drive.lbaMid = octet);
      case 5 -> drives.forEach(drive -> drive.lbaHigh = octet);
      case 6 -> {
        drives.getFirst().select = octet & ~0x10 | 0xa0;
        drives.getLast().select = octet | 0xb0;
        selected = octet >> 4 & 1;
      }
      case 7 -> command(octet);
      default -> {}
    }
  }

  private void control(int value) {
    if ((control & RESET) == 0 && (value & RESET) != 0) {
      drives.forEach(EmptyCdDrive::reset);
      interrupt = false;
      selected = 0;
    }
    control = value;
    drive();
  }

  private void command(int code) {
    EmptyCdDrive drive = drives.get(selected);
    if (!drive.present()) {
      return;
    }
    interrupt = false;
    raise(drive.command(code));
  }

  private int readData(EmptyCdDrive drive, int sizeBytes) {
    int value = 0;
    for (int at = 0; at < sizeBytes; at++) {
      value |= drive.readOctet() << at * 8;
    }
    raise(drive.endBlock());
    return value;
  }

  private void writeData(int sizeBytes, int value) {
    boolean done = false;
    for (int at = 0; at < sizeBytes; at++) {
      done |= drives.get(selected).writeOctet(value >>> at * 8 & 0xff);
    }
    raise(done);
    transferByBusMaster();
  }

  /** Data flows when both the drive and the bus master are ready for it. */
  private void transferByBusMaster() {
    EmptyCdDrive drive = drives.get(selected);
    if (busMaster.started() && drive.dmaAwaited()) {
      busMaster.transfer(drive.takeDma());
      raise(true);
    }
  }

  private void raise(boolean wanted) {
    if (wanted) {
      interrupt = true;
      busMaster.interrupted();
    }
    drive();
  }

  private void drive() {
    line.set(interrupt && (control & INTERRUPTS_OFF) == 0);
  }
}
