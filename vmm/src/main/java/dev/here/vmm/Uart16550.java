package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.SerialState;

/**
 * A 16550A serial port (National Semiconductor PC16550D data sheet). Octets leave at once; what
 * arrives is kept until the guest reads it. The character time-out comes without the four character
 * times. Guarded by the platform's lock.
 */
public final class Uart16550 implements OctetDevice {
  private static final int FIFO_OCTETS = 16;
  private static final int DATA_READY = 0x01;
  private static final int OVERRUN = 0x02;
  private static final int ERRORS = 0x1e;
  private static final int TRANSMITTER_EMPTY = 0x60;
  private static final int DIVISOR_ACCESS = 0x80;
  private static final int LOOPBACK = 0x10;
  private static final int RECEIVE_INTERRUPT = 0x01;
  private static final int TRANSMIT_INTERRUPT = 0x02;
  private static final int LINE_INTERRUPT = 0x04;
  private static final int MODEM_INTERRUPT = 0x08;
  private static final int CONNECTED = 0xb0;
  private static final int NO_INTERRUPT = 0x01;

  private final int port;
  private final int irq;
  private final SerialSink sink;
  private final InterruptLine line;
  private final int[] received = new int[FIFO_OCTETS];
  private int receivedHead;
  private int receivedCount;
  private int divisor;
  private int lastReceived;
  private int lastSent;
  private int interruptEnable;
  private int fifoControl;
  private int lineControl;
  private int modemControl;
  private int lineStatus;
  private int modemStatus;
  private int scratch;
  private boolean transmitPending;

  public Uart16550(SerialState state, SerialSink sink, InterruptLine line) {
    this.port = state.port();
    this.irq = state.irq();
    this.sink = sink;
    this.line = line;
    divisor = state.divisor();
    lastReceived = state.receiveBuffer();
    lastSent = state.transmitHolding();
    interruptEnable = state.interruptEnable() & 0xf;
    fifoControl = state.fifoControl() & 0xc9;
    lineControl = state.lineControl();
    modemControl = state.modemControl() & 0x1f;
    lineStatus = state.lineStatus() & ~DATA_READY;
    modemStatus = state.modemStatus();
    scratch = state.scratch();
    transmitPending = state.transmitInterruptPending();
    for (int at = 0; at < state.receiveFifo().length(); at++) {
      queue(state.receiveFifo().at(at));
    }
    if (receivedCount == 0 && (state.lineStatus() & DATA_READY) != 0) {
      queue(lastReceived);
    }
    finishSending(state.transmitFifo());
    update();
  }

  /** After power-on. */
  public static SerialState powerOn(int port, int irq) {
    return new SerialState(
        port,
        irq,
        12,
        0,
        0,
        0,
        NO_INTERRUPT,
        0,
        0,
        0x08,
        TRANSMITTER_EMPTY,
        CONNECTED,
        0,
        false,
        false,
        Bytes.EMPTY,
        Bytes.EMPTY);
  }

  public SerialState state() {
    byte[] waiting = new byte[fifoOn() ? receivedCount : 0];
    for (int at = 0; at < waiting.length; at++) {
      waiting[at] = (byte) received[(receivedHead + at) % FIFO_OCTETS];
    }
    int identification = identification();
    return new SerialState(
        port,
        irq,
        divisor,
        receivedCount > 0 && !fifoOn() ? received[receivedHead] : lastReceived,
        lastSent,
        interruptEnable,
        identification,
        fifoControl,
        lineControl,
        modemControl,
        lineStatus(),
        modemStatus,
        scratch,
        transmitPending,
        (identification & 0xf) == 0xc,
        Bytes.of(waiting),
        Bytes.EMPTY);
  }

  public void attach(PortBus ports) {
    ports.attach(port, 8, this);
  }

  /** Its first I/O port. */
  public int port() {
    return port;
  }

  /** How many octets it takes now. */
  public int room() {
    return (modemControl & LOOPBACK) != 0 ? 0 : capacity() - receivedCount;
  }

  /** An octet arrives; without {@link #room} it is lost and the guest sees an overrun. */
  public void receive(int octet) {
    if (receivedCount >= capacity()) {
      lineStatus |= OVERRUN;
    } else {
      queue(octet & 0xff);
    }
    update();
  }

  @Override
  public int readOctet(int at) {
    int value =
        switch (at - port) {
          case 0 -> dlab() ? divisor & 0xff : take();
          case 1 -> dlab() ? divisor >> 8 & 0xff : interruptEnable;
          case 2 -> readIdentification();
          case 3 -> lineControl;
          case 4 -> modemControl;
          case 5 -> readLineStatus();
          case 6 -> readModemStatus();
          case 7 -> scratch;
          default -> 0xff;
        };
    update();
    return value;
  }

  @Override
  public void writeOctet(int at, int value) {
    switch (at - port) {
      case 0 -> {
        if (dlab()) {
          divisor = divisor & 0xff00 | value;
        } else {
          send(value);
        }
      }
      case 1 -> {
        if (dlab()) {
          divisor = divisor & 0xff | value << 8;
        } else {
          enable(value & 0xf);
        }
      }
      case 2 -> controlFifo(value);
      case 3 -> lineControl = value;
      case 4 -> modemControl = value & 0x1f;
      case 7 -> scratch = value;
      default -> {
        return;
      }
    }
    update();
  }

  private void send(int octet) {
    lastSent = octet;
    transmitPending = true;
    if ((modemControl & LOOPBACK) != 0) {
      receive(octet);
    } else {
      sink.sent(octet);
    }
  }

  /** What the source had not sent yet is sent now. */
  private void finishSending(Bytes waiting) {
    for (int at = 0; at < waiting.length(); at++) {
      sink.sent(waiting.at(at));
    }
    if ((lineStatus & TRANSMITTER_EMPTY) != TRANSMITTER_EMPTY) {
      lineStatus |= TRANSMITTER_EMPTY;
      transmitPending = true;
    }
  }

  /** Enabling the transmit interrupt with an empty transmitter raises it. */
  private void enable(int value) {
    if ((value & ~interruptEnable & TRANSMIT_INTERRUPT) != 0) {
      transmitPending = true;
    }
    interruptEnable = value;
  }

  private void controlFifo(int value) {
    boolean toggled = ((value ^ fifoControl) & 1) != 0;
    if (toggled || (value & 0x02) != 0) {
      receivedCount = 0;
      receivedHead = 0;
    }
    if (toggled || (value & 0x04) != 0) {
      transmitPending = true;
    }
    fifoControl = value & 0xc9;
  }

  private int take() {
    if (receivedCount > 0) {
      lastReceived = received[receivedHead];
      receivedHead = (receivedHead + 1) % FIFO_OCTETS;
      receivedCount--;
    }
    return lastReceived;
  }

  private void queue(int octet) {
    received[(receivedHead + receivedCount) % FIFO_OCTETS] = octet;
    receivedCount++;
  }

  private int readIdentification() {
    int value = identification();
    if ((value & 0xf) == 0x2) {
      transmitPending = false;
    }
    return value;
  }

  private int readLineStatus() {
    int value = lineStatus();
    lineStatus &= ~ERRORS;
    return value;
  }

  private int readModemStatus() {
    if ((modemControl & LOOPBACK) != 0) {
      return (modemControl & 0x02) << 3 | (modemControl & 0x01) << 5 | (modemControl & 0x0c) << 4;
    }
    int value = modemStatus;
    modemStatus &= 0xf0;
    return value;
  }

  private int lineStatus() {
    return lineStatus | (receivedCount > 0 ? DATA_READY : 0);
  }

  /** Interrupt identification register, foremost cause first. */
  private int identification() {
    int fifoBits = fifoOn() ? 0xc0 : 0;
    if ((interruptEnable & LINE_INTERRUPT) != 0 && (lineStatus & ERRORS) != 0) {
      return fifoBits | 0x6;
    }
    if ((interruptEnable & RECEIVE_INTERRUPT) != 0 && receivedCount > 0) {
      return fifoBits | (!fifoOn() || receivedCount >= trigger() ? 0x4 : 0xc);
    }
    if ((interruptEnable & TRANSMIT_INTERRUPT) != 0 && transmitPending) {
      return fifoBits | 0x2;
    }
    if ((interruptEnable & MODEM_INTERRUPT) != 0 && (modemStatus & 0xf) != 0) {
      return fifoBits;
    }
    return fifoBits | NO_INTERRUPT;
  }

  private int trigger() {
    return switch (fifoControl >> 6) {
      case 0 -> 1;
      case 1 -> 4;
      case 2 -> 8;
      default -> 14;
    };
  }

  private boolean fifoOn() {
    return (fifoControl & 1) != 0;
  }

  private int capacity() {
    return fifoOn() ? FIFO_OCTETS : 1;
  }

  private boolean dlab() {
    return (lineControl & DIVISOR_ACCESS) != 0;
  }

  private void update() {
    line.set((identification() & NO_INTERRUPT) == 0);
  }
}
