package dev.here.vmm;

import dev.here.machine.HpetState;
import dev.here.machine.HpetTimer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/**
 * A high-precision event timer (IA-PC HPET specification 1.0a, section 2.3). In legacy replacement
 * its first two comparators take interrupts 0 and 8 from the PIT and the RTC. Guarded by the
 * platform's lock.
 */
public final class Hpet implements MmioDevice {
  /** Octets of the register window. */
  public static final int WINDOW_BYTES = 0x400;

  private static final int CONFIG = 0x10;
  private static final int STATUS = 0x20;
  private static final int COUNTER = 0xf0;
  private static final int FIRST_TIMER = 0x100;
  private static final int TIMER_BYTES = 0x20;
  private static final long ENABLE = 1;
  private static final long LEGACY = 2;
  private static final long FEMTOS_PER_NANO = 1_000_000;

  private final long gpa;
  private final long capabilities;
  private final long periodFemtos;
  private final GuestClock clock;
  private final Consumer<Boolean> legacyReplacement;
  private final HpetComparator[] comparators;
  private long config;
  private long interruptStatus;
  private long counter;
  private long counterNanos;

  /**
   * @param wires gives a source on the wire of a global system interrupt
   * @param legacyReplacement told when interrupts 0 and 8 are taken or given back, and now
   */
  public Hpet(
      HpetState state,
      GuestClock clock,
      IntFunction<InterruptLine> wires,
      MsiSink msi,
      Consumer<Boolean> legacyReplacement) {
    this.gpa = state.gpa();
    this.capabilities = state.capabilities();
    this.periodFemtos = Math.max(1, capabilities >>> 32);
    this.clock = clock;
    this.legacyReplacement = legacyReplacement;
    this.config = state.config();
    this.interruptStatus = state.interruptStatus();
    this.counter = state.counter();
    this.counterNanos = clock.nanos();
    this.comparators = new HpetComparator[state.timers().size()];
    for (int index = 0; index < comparators.length; index++) {
      comparators[index] =
          new HpetComparator(index, state.timers().get(index), this, clock, wires, msi);
    }
    legacyReplacement.accept(legacy());
    for (HpetComparator comparator : comparators) {
      comparator.driveLevel();
      comparator.schedule();
    }
  }

  /** After power-on, at its usual address: three comparators, 100 MHz, routable to input 2. */
  public static HpetState powerOn() {
    HpetTimer idle = new HpetTimer(0x30L | 4L << 32, -1, 0, 0);
    return new HpetState(
        0xfed00000L, 10_000_000L << 32 | 0x8086_a201L, 0, 0, 0, List.of(idle, idle, idle));
  }

  public HpetState state() {
    List<HpetTimer> timers = new ArrayList<>();
    for (HpetComparator comparator : comparators) {
      timers.add(comparator.state());
    }
    return new HpetState(gpa, capabilities, config, interruptStatus, counter(), timers);
  }

  public void attach(MmioBus mmio) {
    mmio.attach(gpa, WINDOW_BYTES, this);
  }

  @Override
  public long read(long offset, int sizeBytes) {
    long register = register((int) offset & ~7);
    return register >>> (offset & 7) * 8;
  }

  @Override
  public void write(long offset, int sizeBytes, long value) {
    int at = (int) offset & ~7;
    int shift = (int) (offset & 7) * 8;
    long mask = sizeBytes == 8 ? -1 : (1L << sizeBytes * 8) - 1 << shift;
    if (at == STATUS) {
      clearStatus(value << shift & mask);
    } else if (at == CONFIG) {
      writeConfig(config & ~mask | value << shift & mask);
    } else if (at == COUNTER) {
      if (!enabled()) {
        counter = counter & ~mask | value << shift & mask;
      }
    } else if (at >= FIRST_TIMER && (at - FIRST_TIMER) / TIMER_BYTES < comparators.length) {
      comparators[(at - FIRST_TIMER) / TIMER_BYTES].write(
          at & TIMER_BYTES - 1, value << shift & mask, mask);
    }
  }

  boolean enabled() {
    return (config & ENABLE) != 0;
  }

  boolean legacy() {
    return (config & LEGACY) != 0;
  }

  /** The main counter now. */
  long counter() {
    return enabled() ? counter + ticks(clock.nanos() - counterNanos) : counter;
  }

  /** Guest time at which the counter will have advanced by {@code ticks}. */
  long deadline(long ticks) {
    long bounded = Math.min(ticks, 1L << 40);
    long target = counter() - counter + bounded;
    long nanos =
        target / FEMTOS_PER_NANO * periodFemtos
            + (target % FEMTOS_PER_NANO * periodFemtos + FEMTOS_PER_NANO - 1) / FEMTOS_PER_NANO;
    return counterNanos + nanos;
  }

  boolean asserted(int timer) {
    return (interruptStatus & 1L << timer) != 0;
  }

  void assertStatus(int timer, boolean asserted) {
    interruptStatus = asserted ? interruptStatus | 1L << timer : interruptStatus & ~(1L << timer);
  }

  private long register(int at) {
    if (at >= FIRST_TIMER && (at - FIRST_TIMER) / TIMER_BYTES < comparators.length) {
      return comparators[(at - FIRST_TIMER) / TIMER_BYTES].read(at & TIMER_BYTES - 1);
    }
    return switch (at) {
      case 0 -> capabilities;
      case CONFIG -> config;
      case STATUS -> interruptStatus;
      case COUNTER -> counter();
      default -> 0;
    };
  }

  private void writeConfig(long value) {
    boolean wasLegacy = legacy();
    counter = counter();
    counterNanos = clock.nanos();
    for (HpetComparator comparator : comparators) {
      comparator.release();
    }
    config = value & (ENABLE | LEGACY);
    if (wasLegacy != legacy()) {
      legacyReplacement.accept(legacy());
    }
    for (HpetComparator comparator : comparators) {
      comparator.driveLevel();
      comparator.schedule();
    }
  }

  private void clearStatus(long ones) {
    interruptStatus &= ~ones;
    for (HpetComparator comparator : comparators) {
      comparator.driveLevel();
    }
  }

  private long ticks(long nanos) {
    return nanos / periodFemtos * FEMTOS_PER_NANO
        + nanos % periodFemtos * FEMTOS_PER_NANO / periodFemtos;
  }
}
