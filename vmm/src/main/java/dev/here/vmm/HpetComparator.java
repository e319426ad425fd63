package dev.here.vmm;

import dev.here.machine.HpetTimer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * One comparator of a {@link Hpet} (IA-PC HPET specification 1.0a, sections 2.3.8 to 2.3.10).
 * Guarded by the platform's lock.
 */
final class HpetComparator {
  private static final long LEVEL = 1 << 1;
  private static final long ENABLE = 1 << 2;
  private static final long PERIODIC = 1 << 3;
  private static final long SET_VALUE = 1 << 6;
  private static final long WIDTH_32 = 1 << 8;
  private static final long MESSAGE = 1 << 14;
  private static final long MESSAGE_CAPABLE = 1 << 15;
  private static final long PERIODIC_CAPABLE = 1 << 4;
  private static final long WRITABLE = 0x7f4e;
  private static final int WIRES = 32;

  /** A guest that asks for more interrupts than that gets fewer. */
  private static final long SHORTEST_PERIOD_NANOS = 20_000;

  private final int index;
  private final Hpet hpet;
  private final GuestClock clock;
  private final GuestClock.Timer timer;
  private final IntFunction<InterruptLine> wires;
  private final MsiSink msi;
  private final @Nullable InterruptLine[] lines = new @Nullable InterruptLine[WIRES];
  private long config;
  private long comparator;
  private long message;
  private long period;

  HpetComparator(
      int index,
      HpetTimer state,
      Hpet hpet,
      GuestClock clock,
      IntFunction<InterruptLine> wires,
      MsiSink msi) {
    this.index = index;
    this.hpet = hpet;
    this.clock = clock;
    this.timer = clock.timer(this::expired);
    this.wires = wires;
    this.msi = msi;
    this.config = state.config();
    this.comparator = state.comparator();
    this.message = state.fsbRoute();
    this.period = state.period();
  }

  HpetTimer state() {
    return new HpetTimer(config, comparator, message, period);
  }

  long read(int register) {
    return switch (register) {
      case 0x00 -> config;
      case 0x08 -> comparator;
      case 0x10 -> message;
      default -> 0;
    };
  }

  /** Writes the bits of {@code mask}; {@code value} holds nothing else. */
  void write(int register, long value, long mask) {
    switch (register) {
      case 0x00 -> writeConfig(config & ~mask | value);
      case 0x08 -> writeComparator(value, mask);
      case 0x10 -> message = message & ~mask | value;
      default -> {}
    }
  }

  /** Sets the timer for the next match, where there is one. */
  void schedule() {
    if (!hpet.enabled() || (config & ENABLE) == 0) {
      timer.cancel();
      return;
    }
    if (periodic()) {
      skipPast();
    }
    long soonest = clock.nanos() + (periodic() ? SHORTEST_PERIOD_NANOS : 1);
    timer.set(Math.max(hpet.deadline(Math.max(0, remaining())), soonest));
  }

  /** The wire follows the status bit, where this comparator is level-triggered. */
  void driveLevel() {
    if ((config & LEVEL) != 0 && !sendsMessages()) {
      boolean on = hpet.asserted(index) && hpet.enabled() && (config & ENABLE) != 0;
      line().set(on);
    }
  }

  /** Lets its present wire go, before the routing changes. */
  void release() {
    line().set(false);
  }

  private void writeConfig(long value) {
    release();
    long writable = (config & MESSAGE_CAPABLE) != 0 ? WRITABLE : WRITABLE & ~MESSAGE;
    if ((config & PERIODIC_CAPABLE) == 0) {
      writable &= ~PERIODIC;
    }
    config = config & ~writable | value & writable;
    if ((config & WIDTH_32) != 0) {
      comparator &= 0xffff_ffffL;
      period &= 0xffff_ffffL;
    }
    driveLevel();
    schedule();
  }

  /**
   * In periodic mode the first write after "set value" gives the accumulator, every write the
   * period.
   */
  private void writeComparator(long value, long mask) {
    long kept = (config & WIDTH_32) != 0 ? value & 0xffff_ffffL : value;
    if (!periodic() || (config & SET_VALUE) != 0) {
      comparator = comparator & ~mask | kept;
    }
    if (periodic()) {
      period = period & ~mask | kept;
    }
    config &= ~SET_VALUE;
    schedule();
  }

  private void expired() {
    if (!hpet.enabled() || (config & ENABLE) == 0) {
      return;
    }
    if (remaining() > 0) {
      schedule();
      return;
    }
    if (sendsMessages()) {
      msi.signal(message >>> 32, (int) message);
    } else if ((config & LEVEL) != 0) {
      hpet.assertStatus(index, true);
      line().set(true);
    } else {
      line().set(true);
      line().set(false);
    }
    if (periodic() && period != 0) {
      schedule();
    }
  }

  /** Moves a periodic comparator to its first match after now. */
  private void skipPast() {
    long behind = -remaining();
    if (behind >= 0 && period > 0) {
      long width = (config & WIDTH_32) != 0 ? 0xffff_ffffL : -1;
      comparator = comparator + (behind / period + 1) * period & width;
    }
  }

  /** Ticks until the match, negative once it has passed. */
  private long remaining() {
    long difference = comparator - hpet.counter();
    return (config & WIDTH_32) != 0 ? (int) difference : difference;
  }

  private boolean periodic() {
    return (config & PERIODIC) != 0;
  }

  private boolean sendsMessages() {
    return (config & MESSAGE) != 0;
  }

  private InterruptLine line() {
    int wire = hpet.legacy() && index < 2 ? (index == 0 ? 0 : 8) : (int) (config >> 9) & 0x1f;
    InterruptLine known = lines[wire];
    if (known == null) {
      known = wires.apply(wire);
      lines[wire] = known;
    }
    return known;
  }
}
