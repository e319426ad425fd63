package dev.here.vmm;

import dev.here.machine.ParallelState;

/**
 * A parallel port (IEEE 1284, compatibility mode) whose printer takes every octet and prints none.
 * Guarded by the platform's lock.
 */
final class ParallelPort implements OctetDevice {
  private static final int NOT_BUSY = 0x80;
  private static final int NOT_ACKNOWLEDGED = 0x40;
  private static final int STROBE = 0x01;
  private static final int INITIALISED = 0x04;
  private static final int SELECTED = 0x08;
  private static final int INPUT = 0x20;
  private static final int UNUSED_CONTROL = 0xc0;

  private final int port;
  private final int irq;
  private int data;
  private int status;
  private int control;

  ParallelPort(ParallelState state) {
    port = state.port();
    irq = state.irq();
    data = state.data();
    status = state.status();
    control = state.control();
  }

  ParallelState state() {
    return new ParallelState(port, irq, data, status, control);
  }

  void attach(PortBus ports) {
    ports.attach(port, 3, this);
  }

  @Override
  public int readOctet(int at) {
    return switch (at - port) {
      case 0 -> (control & INPUT) != 0 ? 0xff : data;
      case 1 -> readStatus();
      case 2 -> control;
      default -> 0xff;
    };
  }

  /** After an octet the printer acknowledges, and is ready again, as the driver looks on. */
  private int readStatus() {
    int seen = status;
    if ((status & NOT_BUSY) == 0 && (control & STROBE) == 0) {
      status =
          (status & NOT_ACKNOWLEDGED) != 0
              ? status & ~NOT_ACKNOWLEDGED
              : status | NOT_ACKNOWLEDGED | NOT_BUSY;
    }
    return seen;
  }

  @Override
  public void writeOctet(int at, int value) {
    if (at == port) {
      data = value;
    } else if (at == port + 2) {
      int wanted = value | UNUSED_CONTROL;
      if ((wanted & INITIALISED) == 0) {
        status |= NOT_BUSY | NOT_ACKNOWLEDGED;
      } else if ((wanted & SELECTED) != 0 && (wanted & STROBE) != 0) {
        status &= ~NOT_BUSY;
      }
      control = wanted;
    }
  }
}
