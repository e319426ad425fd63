package dev.here.vmm;

import dev.here.machine.PitChannel;

/**
 * One counter of an 8254 (Intel 82C54 data sheet, order number 231244). Its count and its output
 * are worked out from the time since it was loaded. Counting in BCD is remembered, not done.
 * Guarded by the platform's lock.
 */
final class PitCounter {
  /** Input clock of a PC's 8254 in hertz. */
  static final long HERTZ = 1_193_182;

  /** No further rising edge of the output. */
  static final long NEVER = -1;

  private static final long SECOND = 1_000_000_000;
  private static final int LOW = 1;
  private static final int HIGH = 2;
  private static final int BOTH = 3;

  private final GuestClock clock;
  private int reload;
  private int mode;
  private boolean bcd;
  private int accessMode;
  private boolean gate;
  private boolean readHighNext;
  private boolean writeHighNext;
  private int writeLatch;
  private int latchedCount;
  private int latchedOctets;
  private boolean statusLatched;
  private int latchedStatus;
  private long loadedNanos;

  PitCounter(PitChannel state, GuestClock clock) {
    this.clock = clock;
    reload = state.reload() == 0 ? 0x10000 : state.reload();
    mode = state.mode();
    bcd = state.bcd();
    accessMode = state.accessMode();
    gate = state.gate();
    readHighNext = state.readHighNext();
    writeHighNext = state.writeHighNext();
    writeLatch = state.writeLatch();
    latchedCount = state.latchedCount();
    latchedOctets = state.latchedOctets();
    statusLatched = state.statusLatched();
    latchedStatus = state.latchedStatus();
    loadedNanos = clock.nanos() - state.nanosSinceLoad();
  }

  PitChannel state(boolean interruptDisabled) {
    return new PitChannel(
        reload & 0xffff,
        mode,
        bcd,
        accessMode,
        gate,
        readHighNext,
        writeHighNext,
        writeLatch,
        latchedCount,
        latchedOctets,
        statusLatched,
        latchedStatus,
        clock.nanos() - loadedNanos,
        interruptDisabled);
  }

  boolean gate() {
    return gate;
  }

  /**
   * Sets the gate input; a rising edge starts modes 1, 2, 3 and 5 again. Returns whether it did.
   */
  boolean gate(boolean open) {
    boolean restart = open && !gate && mode != 0 && mode != 4;
    gate = open;
    if (restart) {
      loadedNanos = clock.nanos();
    }
    return restart;
  }

  /** Level of the output. */
  boolean output() {
    long ticks = ticks();
    return switch (mode) {
      case 0 -> ticks >= reload;
      case 1 -> ticks < 0 || ticks >= reload;
      case 2 -> ticks % reload != reload - 1;
      case 3 -> ticks % reload < (reload + 1) / 2;
      default -> ticks != reload;
    };
  }

  /** Guest time of the next rising edge of the output, or {@link #NEVER}. */
  long nextRiseNanos() {
    long ticks = Math.max(0, ticks());
    long rise;
    if (mode == 2 || mode == 3) {
      rise = (ticks / reload + 1) * reload;
    } else if (ticks < reload) {
      rise = reload;
    } else {
      return NEVER;
    }
    return loadedNanos + (rise / HERTZ) * SECOND + ceilDiv(rise % HERTZ * SECOND, HERTZ);
  }

  int read() {
    if (statusLatched) {
      statusLatched = false;
      return latchedStatus;
    }
    if (latchedOctets != 0) {
      return readLatched();
    }
    boolean high = accessMode == HIGH || accessMode == BOTH && readHighNext;
    if (accessMode == BOTH) {
      readHighNext = !readHighNext;
    }
    return high ? count() >> 8 & 0xff : count() & 0xff;
  }

  /** Writes an octet of the count; returns whether the counter was loaded by it. */
  boolean write(int value) {
    switch (accessMode) {
      case LOW -> load(value);
      case HIGH -> load(value << 8);
      default -> {
        writeHighNext = !writeHighNext;
        if (writeHighNext) {
          writeLatch = value;
          return false;
        }
        load(writeLatch | value << 8);
      }
    }
    return true;
  }

  /** A control word for this counter that is not a latch command. */
  void program(int control) {
    accessMode = control >> 4 & 3;
    int wanted = control >> 1 & 7;
    mode = wanted > 5 ? wanted - 4 : wanted;
    bcd = (control & 1) != 0;
    readHighNext = false;
    writeHighNext = false;
  }

  void latchCount() {
    if (latchedOctets == 0) {
      latchedCount = count();
      latchedOctets = accessMode;
    }
  }

  void latchStatus() {
    if (!statusLatched) {
      latchedStatus = (output() ? 0x80 : 0) | accessMode << 4 | mode << 1 | (bcd ? 1 : 0);
      statusLatched = true;
    }
  }

  private int readLatched() {
    boolean high = latchedOctets == HIGH || latchedOctets == 4;
    latchedOctets = latchedOctets == BOTH ? 4 : 0;
    return high ? latchedCount >> 8 & 0xff : latchedCount & 0xff;
  }

  private void load(int value) {
    reload = value == 0 ? 0x10000 : value;
    loadedNanos = clock.nanos();
  }

  private int count() {
    long ticks = Math.max(0, ticks());
    long count =
        switch (mode) {
          case 2 -> reload - ticks % reload;
          case 3 -> reload - 2 * ticks % reload;
          default -> reload - ticks;
        };
    return (int) count & 0xffff;
  }

  private long ticks() {
    long nanos = clock.nanos() - loadedNanos;
    return Math.floorDiv(nanos, SECOND) * HERTZ + Math.floorMod(nanos, SECOND) * HERTZ / SECOND;
  }

  private static long ceilDiv(long value, long divisor) {
    return (value + divisor - 1) / divisor;
  }
}
