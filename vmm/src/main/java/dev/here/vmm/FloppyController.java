package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.FloppyState;
import java.util.Arrays;

/**
 * A floppy controller whose drives hold no media (Intel 82078 data sheet): commands that move heads
 * succeed, those that want data end without an address mark. Where the heads stand and what
 * CONFIGURE set is not part of the state; drivers set both anew. Guarded by the platform's lock.
 */
final class FloppyController implements OctetDevice {
  private static final int BASE_PORT = 0x3f0;
  private static final int FIFO_OCTETS = 512;
  private static final int INTERRUPT_PENDING = 0x80;
  private static final int SECOND_DRIVE_ABSENT = 0x40;
  private static final int NOT_RESET = 0x04;
  private static final int DMA_GATE = 0x08;
  private static final int REQUEST = 0x80;
  private static final int TO_HOST = 0x40;
  private static final int BUSY = 0x10;
  private static final int COMMAND = 0;
  private static final int RESULT = 2;
  private static final int READY_CHANGED = 0xc0;
  private static final int SEEK_END = 0x20;
  private static final int ABNORMAL_END = 0x40;
  private static final int INVALID_COMMAND = 0x80;
  private static final int NO_ADDRESS_MARK = 0x01;
  private static final int RESET_ANSWERS = 4;
  private static final int SOFTWARE_RESET = 0x80;
  private static final int DISK_CHANGED = 0x80;
  private static final int VERSION_82077 = 0x90;
  private static final int PART_82078 = 0x41;

  private final InterruptLine line;
  private final byte[] fifo;
  private final int[] cylinders = new int[4];
  private int statusA;
  private int statusB;
  private int digitalOutput;
  private int tapeDrive;
  private int dataRateSelect;
  private int mainStatus;
  private int status0;
  private int resetAnswers;
  private int position;
  private int length;
  private int phase;

  FloppyController(FloppyState state, InterruptLine line) {
    this.line = line;
    fifo = Arrays.copyOf(state.fifo().toArray(), FIFO_OCTETS);
    statusA = state.statusA();
    statusB = state.statusB();
    digitalOutput = state.digitalOutput();
    tapeDrive = state.tapeDrive();
    dataRateSelect = state.dataRateSelect();
    mainStatus = state.mainStatus();
    status0 = state.status0();
    boolean seekEnded = (statusA & INTERRUPT_PENDING) != 0 && state.interruptPending() == 1;
    resetAnswers = seekEnded ? 0 : Math.clamp(state.interruptPending(), 0, RESET_ANSWERS);
    position = state.fifoPosition();
    length = state.fifoLength();
    phase = state.phase();
    line.set((statusA & INTERRUPT_PENDING) != 0);
  }

  FloppyState state() {
    return new FloppyState(
        statusA,
        statusB,
        digitalOutput,
        tapeDrive,
        dataRateSelect,
        mainStatus,
        status0,
        resetAnswers > 0 ? resetAnswers : statusA >> 7 & 1,
        Bytes.of(fifo),
        position,
        length,
        phase);
  }

  /** The port between, 3F6h, is the IDE controller's. */
  void attach(PortBus ports) {
    ports.attach(BASE_PORT, 6, this);
    ports.attach(BASE_PORT + 7, 1, this);
  }

  @Override
  public int readOctet(int port) {
    return switch (port - BASE_PORT) {
      case 0 -> statusA;
      case 1 -> statusB;
      case 2 -> digitalOutput;
      case 3 -> tapeDrive;
      case 4 -> mainStatus;
      case 5 -> readFifo();
      case 7 -> DISK_CHANGED;
      default -> 0xff;
    };
  }

  @Override
  public void writeOctet(int port, int value) {
    switch (port - BASE_PORT) {
      case 2 -> writeDigitalOutput(value);
      case 3 -> tapeDrive = value & NOT_RESET;
      case 4 -> {
        if ((value & SOFTWARE_RESET) != 0) {
          reset();
        }
        dataRateSelect = value & ~SOFTWARE_RESET;
      }
      case 5 -> writeFifo(value);
      case 7 -> dataRateSelect = dataRateSelect & ~3 | value & 3;
      default -> {}
    }
  }

  private void writeDigitalOutput(int value) {
    boolean leavesReset = (value & ~digitalOutput & NOT_RESET) != 0;
    statusB = statusB & ~0x23 | value >> 4 & 3 | (value & 1) << 5;
    if (leavesReset) {
      reset();
    }
    digitalOutput = value;
  }

  /** Afterwards every drive tells once that it is ready. */
  private void reset() {
    lower();
    statusA = SECOND_DRIVE_ABSENT;
    statusB = 0xc0;
    digitalOutput = NOT_RESET | DMA_GATE;
    Arrays.fill(cylinders, 0);
    awaitCommand();
    mainStatus = REQUEST;
    raise(READY_CHANGED);
    resetAnswers = RESET_ANSWERS;
  }

  private void raise(int status) {
    resetAnswers = 0;
    status0 = status;
    statusA |= INTERRUPT_PENDING;
    line.set(true);
  }

  private void lower() {
    status0 = 0;
    statusA &= ~INTERRUPT_PENDING;
    line.set(false);
  }

  private void awaitCommand() {
    phase = COMMAND;
    position = 0;
    length = 1;
    mainStatus = mainStatus & ~(BUSY | TO_HOST) | REQUEST;
  }

  private void answer(int... octets) {
    for (int at = 0; at < octets.length; at++) {
      fifo[at] = (byte) octets[at];
    }
    phase = RESULT;
    position = 0;
    length = octets.length;
    mainStatus |= BUSY | REQUEST | TO_HOST;
  }

  private int readFifo() {
    if ((mainStatus & (REQUEST | TO_HOST)) != (REQUEST | TO_HOST) || phase != RESULT) {
      return 0;
    }
    int value = fifo[position++ % FIFO_OCTETS] & 0xff;
    if (position >= length) {
      if ((statusA & INTERRUPT_PENDING) != 0) {
        lower();
      }
      awaitCommand();
    }
    return value;
  }

  private void writeFifo(int value) {
    if ((digitalOutput & NOT_RESET) == 0
        || (mainStatus & (REQUEST | TO_HOST)) != REQUEST
        || phase != COMMAND) {
      return;
    }
    if (position == 0) {
      length = 1 + parameters(value);
      mainStatus |= BUSY;
    }
    fifo[position++ % FIFO_OCTETS] = (byte) value;
    if (position >= length) {
      execute(fifo[0] & 0xff);
    }
  }

  /** How many octets follow a command's first. */
  private static int parameters(int command) {
    return switch (command & 0x1f) {
      case 0x02, 0x05, 0x06, 0x09, 0x0c, 0x11, 0x16, 0x19, 0x1d -> 8;
      case 0x0d -> 5;
      case 0x13 -> command == 0x13 ? 3 : command == 0x33 ? 1 : 0;
      case 0x03, 0x0f, 0x17 -> 2;
      case 0x04, 0x07, 0x0a, 0x12 -> 1;
      case 0x0e -> command == 0x8e ? 5 : 0;
      default -> 0;
    };
  }

  private void execute(int command) {
    int drive = fifo[1] & 3;
    int head = fifo[1] & 4;
    switch (command & 0x1f) {
      case 0x02, 0x05, 0x06, 0x09, 0x0c, 0x0d, 0x11, 0x16, 0x19, 0x1d, 0x0a -> {
        answer(ABNORMAL_END | head | drive, NO_ADDRESS_MARK, 0, cylinders[drive], head >> 2, 1, 2);
        raise(ABNORMAL_END | head | drive);
      }
      case 0x03, 0x12, 0x13 -> awaitCommand();
      case 0x04 -> answer((cylinders[drive] == 0 ? 0x38 : 0x28) | head | drive);
      case 0x07 -> seek(drive, 0);
      case 0x08 -> senseInterrupt();
      case 0x0e -> {
        if (command == 0x8e) {
          awaitCommand();
        } else {
          answer(cylinders[0], cylinders[1], cylinders[2], cylinders[3], 0, 0, 0, 0, 0, 0);
        }
      }
      case 0x0f -> seek(drive, fifo[2] & 0xff);
      case 0x10 -> answer(VERSION_82077);
      case 0x14 -> answer(command >> 7 << 4);
      case 0x17 -> answer(fifo[1] & 0xff);
      case 0x18 -> answer(PART_82078);
      default -> answer(INVALID_COMMAND);
    }
  }

  private void seek(int drive, int cylinder) {
    cylinders[drive] = cylinder;
    awaitCommand();
    raise(SEEK_END | drive);
  }

  private void senseInterrupt() {
    int drive = digitalOutput & 3;
    if (resetAnswers > 0) {
      int told = RESET_ANSWERS - resetAnswers--;
      answer(READY_CHANGED | told, 0);
      lower();
    } else if ((statusA & INTERRUPT_PENDING) == 0) {
      answer(INVALID_COMMAND);
    } else {
      int status = status0 & ~7 | drive;
      answer(status, cylinders[drive]);
      lower();
    }
    status0 = READY_CHANGED;
  }
}
