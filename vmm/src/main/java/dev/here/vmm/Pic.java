package dev.here.vmm;

import dev.here.machine.PicState;

/**
 * The two cascaded 8259A of a PC with their edge/level registers: ports 20h, 21h, A0h, A1h, 4D0h
 * and 4D1h (Intel 82371SB data sheet, section 2.5.5). Guarded by the platform's lock.
 */
public final class Pic implements OctetDevice {
  private static final int CASCADE_PIN = 2;
  private static final int SPURIOUS_PIN = 7;

  private final PicUnit master;
  private final PicUnit slave;
  private final InterruptLine output;

  /**
   * @param output the INTR wire to the processors; it is set whenever an access or an input may
   *     have changed it
   */
  public Pic(PicState state, InterruptLine output) {
    this.master = new PicUnit(state.master(), true);
    this.slave = new PicUnit(state.slave(), false);
    this.output = output;
  }

  /** After power-on. IRQ 0, 1, 2, 8 and 13 cannot be level-triggered. */
  public static PicState powerOn() {
    return new PicState(PicUnit.powerOn(0xf8), PicUnit.powerOn(0xde));
  }

  public PicState state() {
    return new PicState(master.state(), slave.state());
  }

  public void attach(PortBus ports) {
    ports.attach(0x20, 2, this);
    ports.attach(0xa0, 2, this);
    ports.attach(0x4d0, 2, this);
  }

  /** The level of ISA interrupt {@code irq}, 0 to 15 without 2. */
  public void line(int irq, boolean asserted) {
    line(irq, asserted, true);
  }

  /** Takes a level as it is found after a restore: what was an edge has been seen already. */
  void settle(int irq, boolean asserted) {
    line(irq, asserted, false);
  }

  /** Whether the INTR wire is asserted. */
  public boolean requesting() {
    return master.requested() >= 0;
  }

  /**
   * The processor's interrupt acknowledge cycle.
   *
   * @return the vector to take; of input 7 where the request has gone meanwhile
   */
  public int acknowledge() {
    int pin = master.requested();
    if (pin < 0) {
      return master.vector(SPURIOUS_PIN);
    }
    int vector = master.vector(pin);
    if (pin == CASCADE_PIN) {
      int behind = slave.requested();
      if (behind >= 0) {
        slave.acknowledge(behind);
      }
      vector = slave.vector(behind < 0 ? SPURIOUS_PIN : behind);
    }
    master.acknowledge(pin);
    update();
    return vector;
  }

  @Override
  public int readOctet(int port) {
    int value =
        switch (port) {
          case 0x20 -> master.readCommand();
          case 0x21 -> master.readData();
          case 0xa0 -> slave.readCommand();
          case 0xa1 -> slave.readData();
          case 0x4d0 -> master.levelTriggered();
          case 0x4d1 -> slave.levelTriggered();
          default -> 0xff;
        };
    update();
    return value;
  }

  @Override
  public void writeOctet(int port, int value) {
    switch (port) {
      case 0x20 -> master.writeCommand(value);
      case 0x21 -> master.writeData(value);
      case 0xa0 -> slave.writeCommand(value);
      case 0xa1 -> slave.writeData(value);
      case 0x4d0 -> master.levelTriggered(value);
      case 0x4d1 -> slave.levelTriggered(value);
      default -> {
        return;
      }
    }
    update();
  }

  private void line(int irq, boolean asserted, boolean latch) {
    if (irq < 8) {
      master.line(irq, asserted, latch);
    } else {
      slave.line(irq - 8, asserted, latch);
    }
    update();
  }

  private void update() {
    master.cascade(slave.requested() >= 0);
    output.set(requesting());
  }
}
