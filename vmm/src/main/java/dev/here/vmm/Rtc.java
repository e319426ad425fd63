package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.RtcState;

/**
 * The MC146818 real-time clock with its CMOS memory at ports 70h and 71h (Motorola MC146818A data
 * sheet). Time is guest time: it stands still while the guest is paused. Interrupts 8 for periodic,
 * alarm and update-ended. Guarded by the platform's lock.
 */
public final class Rtc implements OctetDevice {
  private static final int REGISTER_A = 0x0a;
  private static final int REGISTER_B = 0x0b;
  private static final int REGISTER_C = 0x0c;
  private static final int REGISTER_D = 0x0d;
  private static final int UPDATE_IN_PROGRESS = 0x80;
  private static final int SET = 0x80;
  private static final int PERIODIC = 0x40;
  private static final int ALARM = 0x20;
  private static final int UPDATE = 0x10;
  private static final int REQUEST = 0x80;
  private static final long SECOND = 1_000_000_000;
  private static final long UPDATE_NANOS = 244_141;
  private static final long CRYSTAL_HERTZ = 32_768;

  private final GuestClock clock;
  private final InterruptLine line;
  private final GuestClock.Timer secondTimer;
  private final GuestClock.Timer periodicTimer;
  private final byte[] cmos;
  private int index;

  /** Guest clock at the clock's second {@link #baseSeconds}; while it runs. */
  private long baseNanos;

  private long baseSeconds;
  private long stoppedFraction;

  /** Update and alarm flags account for every second up to this one. */
  private long accountedSeconds;

  private long periodicDeadline = -1;
  private boolean replaced;

  /**
   * @param line interrupt 8
   */
  public Rtc(RtcState state, GuestClock clock, InterruptLine line) {
    this.clock = clock;
    this.line = line;
    this.cmos = state.cmos().toArray();
    this.index = state.index();
    this.baseSeconds = state.guestSeconds();
    this.baseNanos = clock.nanos() - state.guestNanos();
    this.stoppedFraction = state.guestNanos();
    this.accountedSeconds = baseSeconds;
    this.secondTimer = clock.timer(this::secondPassed);
    this.periodicTimer = clock.timer(this::periodPassed);
    if (state.nanosToPeriodic() >= 0 && periodNanos() > 0) {
      periodicDeadline = clock.nanos() + state.nanosToPeriodic();
      periodicTimer.set(periodicDeadline);
    }
    scheduleSecond();
    drive();
  }

  /**
   * After power-on.
   *
   * @param guestSeconds the time it shows, seconds since 1970
   * @param lowMemoryBytes guest memory below 4 GiB, for the sizes that firmware keeps in CMOS
   */
  public static RtcState powerOn(long guestSeconds, long lowMemoryBytes) {
    byte[] cmos = new byte[128];
    cmos[REGISTER_A] = 0x26;
    cmos[REGISTER_B] = 0x02;
    cmos[REGISTER_D] = (byte) 0x80;
    int extendedKib = (int) Math.min(65535, Math.max(0, lowMemoryBytes / 1024 - 1024));
    int above16MiB = (int) Math.min(65535, Math.max(0, (lowMemoryBytes - (16L << 20)) / 65536));
    putWord(cmos, 0x15, 640);
    putWord(cmos, 0x17, extendedKib);
    putWord(cmos, 0x30, extendedKib);
    putWord(cmos, 0x34, above16MiB);
    RtcTime.encode(cmos, guestSeconds);
    return new RtcState(Bytes.of(cmos), 0, guestSeconds, 0, -1);
  }

  public RtcState state() {
    account();
    refresh();
    return new RtcState(
        Bytes.of(cmos),
        index,
        seconds(),
        fraction(),
        periodicDeadline < 0 ? -1 : Math.max(0, periodicDeadline - clock.nanos()));
  }

  public void attach(PortBus ports) {
    ports.attach(0x70, 2, this);
  }

  /** The HPET takes interrupt 8 over, or gives it back (legacy replacement). */
  public void replaced(boolean byHpet) {
    replaced = byHpet;
    drive();
  }

  @Override
  public int readOctet(int port) {
    if (port != 0x71) {
      return 0xff;
    }
    if (index == REGISTER_C) {
      return readFlags();
    }
    if (index == REGISTER_A) {
      return cmos[REGISTER_A] & ~UPDATE_IN_PROGRESS & 0xff | (updating() ? 0x80 : 0);
    }
    if (RtcTime.isTime(index)) {
      refresh();
    }
    return cmos[index] & 0xff;
  }

  @Override
  public void writeOctet(int port, int value) {
    if (port == 0x70) {
      index = value & 0x7f;
    } else if (port == 0x71) {
      writeRegister(value);
    }
  }

  private void writeRegister(int value) {
    switch (index) {
      case REGISTER_A -> writeControl(REGISTER_A, value & ~UPDATE_IN_PROGRESS);
      case REGISTER_B -> writeControl(REGISTER_B, value);
      case REGISTER_C, REGISTER_D -> {}
      default -> {
        account();
        if (RtcTime.isTime(index) && running()) {
          refresh();
          cmos[index] = (byte) value;
          startFrom(RtcTime.decode(cmos, seconds()), fraction());
        } else {
          cmos[index] = (byte) value;
        }
        scheduleSecond();
      }
    }
  }

  /** Registers A and B stop, start and shape the clock. */
  private void writeControl(int register, int value) {
    account();
    refresh();
    boolean ran = running();
    long seconds = seconds();
    long fraction = fraction();
    int form = cmos[REGISTER_B] & 0x06;
    int wanted = value;
    if (register == REGISTER_B && (value & SET) != 0) {
      wanted &= ~UPDATE;
    }
    cmos[register] = (byte) wanted;
    if (ran && running() && form != (cmos[REGISTER_B] & 0x06)) {
      RtcTime.encode(cmos, seconds);
    } else if (ran && !running()) {
      baseSeconds = seconds;
      stoppedFraction = fraction;
    } else if (!ran && running()) {
      startFrom(RtcTime.decode(cmos, baseSeconds), register == REGISTER_A ? SECOND / 2 : fraction);
    }
    boolean requested = (cmos[REGISTER_B] & cmos[REGISTER_C] & (PERIODIC | ALARM | UPDATE)) != 0;
    cmos[REGISTER_C] =
        (byte) (requested ? cmos[REGISTER_C] | REQUEST : cmos[REGISTER_C] & ~REQUEST);
    schedulePeriodic();
    scheduleSecond();
    drive();
  }

  private int readFlags() {
    account();
    int flags = cmos[REGISTER_C] & 0xff;
    cmos[REGISTER_C] = 0;
    drive();
    scheduleSecond();
    return flags;
  }

  /** Sets the flags of seconds and alarms that have passed since the last look. */
  private void account() {
    if (!running()) {
      return;
    }
    long now = seconds();
    if (now > accountedSeconds) {
      flag(UPDATE);
      if (RtcTime.nextAlarm(cmos, Math.max(accountedSeconds, now - 86_400)) <= now) {
        flag(ALARM);
      }
      accountedSeconds = now;
    }
  }

  private void flag(int bit) {
    cmos[REGISTER_C] |= (byte) bit;
    if ((cmos[REGISTER_B] & bit) != 0) {
      cmos[REGISTER_C] |= (byte) REQUEST;
    }
  }

  private void secondPassed() {
    account();
    drive();
    scheduleSecond();
  }

  private void periodPassed() {
    long period = periodNanos();
    flag(PERIODIC);
    drive();
    if (period > 0) {
      periodicDeadline = Math.max(periodicDeadline + period, clock.nanos() + 1);
      periodicTimer.set(periodicDeadline);
    } else {
      periodicDeadline = -1;
    }
  }

  private void scheduleSecond() {
    int enabled = cmos[REGISTER_B] & (UPDATE | ALARM);
    if (!running() || enabled == 0) {
      secondTimer.cancel();
      return;
    }
    long next = (enabled & UPDATE) != 0 ? seconds() + 1 : RtcTime.nextAlarm(cmos, accountedSeconds);
    secondTimer.set(baseNanos + (next - baseSeconds) * SECOND);
  }

  private void schedulePeriodic() {
    long period = periodNanos();
    if (period == 0) {
      periodicDeadline = -1;
      periodicTimer.cancel();
    } else if (periodicDeadline < 0 || periodicDeadline > clock.nanos() + period) {
      periodicDeadline = clock.nanos() + period;
      periodicTimer.set(periodicDeadline);
    }
  }

  /** 0 when no periodic interrupt is programmed. */
  private long periodNanos() {
    int rate = cmos[REGISTER_A] & 0xf;
    if (rate == 0 || (cmos[REGISTER_B] & PERIODIC) == 0) {
      return 0;
    }
    int shift = rate <= 2 ? rate + 6 : rate - 1;
    return (1L << shift) * SECOND / CRYSTAL_HERTZ;
  }

  private void drive() {
    line.set(!replaced && (cmos[REGISTER_C] & REQUEST) != 0);
  }

  private void startFrom(long seconds, long fraction) {
    baseSeconds = seconds;
    baseNanos = clock.nanos() - fraction;
    accountedSeconds = seconds;
  }

  private void refresh() {
    if (running()) {
      RtcTime.encode(cmos, seconds());
    }
  }

  private boolean updating() {
    return running() && fraction() >= SECOND - UPDATE_NANOS;
  }

  private boolean running() {
    return (cmos[REGISTER_B] & SET) == 0 && (cmos[REGISTER_A] & 0x70) <= 0x20;
  }

  private long seconds() {
    return running() ? baseSeconds + Math.floorDiv(clock.nanos() - baseNanos, SECOND) : baseSeconds;
  }

  private long fraction() {
    return running() ? Math.floorMod(clock.nanos() - baseNanos, SECOND) : stoppedFraction;
  }

  private static void putWord(byte[] cmos, int index, int value) {
    cmos[index] = (byte) value;
    cmos[index + 1] = (byte) (value >> 8);
  }
}
