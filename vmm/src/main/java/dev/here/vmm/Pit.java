package dev.here.vmm;

import dev.here.machine.PitChannel;
import dev.here.machine.PitState;
import java.util.List;

/**
 * The 8254 of a PC (ports 40h to 43h) and its part of port 61h: counter 0 interrupts, counter 2 is
 * gated and read through port 61h, which Linux calibrates its TSC with. Guarded by the platform's
 * lock.
 */
public final class Pit implements OctetDevice {
  private static final int CONTROL = 0x43;
  private static final int PORT_61 = 0x61;

  /** A guest that asks for more interrupts than that gets fewer. */
  private static final long SHORTEST_PERIOD_NANOS = 20_000;

  private final PitCounter[] counters = new PitCounter[3];
  private final GuestClock clock;
  private final GuestClock.Timer timer;
  private final InterruptLine line;
  private boolean interruptDisabled;
  private boolean speakerData;
  private boolean refreshToggle;

  /**
   * @param line interrupt 0
   */
  public Pit(PitState state, GuestClock clock, InterruptLine line) {
    for (int index = 0; index < counters.length; index++) {
      counters[index] = new PitCounter(state.channels().get(index), clock);
    }
    this.clock = clock;
    this.line = line;
    this.timer = clock.timer(this::expired);
    this.interruptDisabled = state.channels().getFirst().interruptDisabled();
    this.speakerData = state.speakerData();
    this.refreshToggle = state.refreshToggle();
    line.set(!interruptDisabled && counters[0].output());
    schedule();
  }

  /** After power-on: counters in mode 3 with the longest count, gate 2 closed. */
  public static PitState powerOn() {
    return new PitState(List.of(powerOn(true), powerOn(true), powerOn(false)), false, false);
  }

  private static PitChannel powerOn(boolean gate) {
    return new PitChannel(0, 3, false, 3, gate, false, false, 0, 0, 0, false, 0, 0, false);
  }

  public PitState state() {
    return new PitState(
        List.of(
            counters[0].state(interruptDisabled),
            counters[1].state(false),
            counters[2].state(false)),
        speakerData,
        refreshToggle);
  }

  public void attach(PortBus ports) {
    ports.attach(0x40, 4, this);
    ports.attach(PORT_61, 1, this);
  }

  /** The HPET takes interrupt 0 over, or gives it back (legacy replacement). */
  public void replaced(boolean byHpet) {
    interruptDisabled = byHpet;
    line.set(!interruptDisabled && counters[0].output());
    schedule();
  }

  @Override
  public int readOctet(int port) {
    if (port == PORT_61) {
      refreshToggle = !refreshToggle;
      return (counters[2].gate() ? 0x01 : 0)
          | (speakerData ? 0x02 : 0)
          | (refreshToggle ? 0x10 : 0)
          | (counters[2].output() ? 0x20 : 0);
    }
    return port < CONTROL && port >= 0x40 ? counters[port & 3].read() : 0xff;
  }

  @Override
  public void writeOctet(int port, int value) {
    if (port == PORT_61) {
      speakerData = (value & 0x02) != 0;
      counters[2].gate((value & 0x01) != 0);
    } else if (port == CONTROL) {
      control(value);
    } else if (port >= 0x40 && port < CONTROL && counters[port & 3].write(value) && port == 0x40) {
      line.set(!interruptDisabled && counters[0].output());
      schedule();
    }
  }

  private void control(int value) {
    int index = value >> 6;
    if (index == 3) {
      readBack(value);
    } else if ((value & 0x30) == 0) {
      counters[index].latchCount();
    } else {
      counters[index].program(value);
      if (index == 0) {
        timer.cancel();
      }
    }
  }

  private void readBack(int value) {
    for (int index = 0; index < counters.length; index++) {
      if ((value & 2 << index) != 0) {
        if ((value & 0x20) == 0) {
          counters[index].latchCount();
        }
        if ((value & 0x10) == 0) {
          counters[index].latchStatus();
        }
      }
    }
  }

  /** Only rising edges interrupt, so a timer a period is enough: the fall comes with the rise. */
  private void expired() {
    if (!interruptDisabled) {
      line.set(false);
      line.set(true);
    }
    schedule();
  }

  private void schedule() {
    long next = interruptDisabled ? PitCounter.NEVER : counters[0].nextRiseNanos();
    if (next == PitCounter.NEVER) {
      timer.cancel();
    } else {
      timer.set(Math.max(next, clock.nanos() + SHORTEST_PERIOD_NANOS));
    }
  }
}
