package dev.here.formats.xen;

import dev.here.formats.qemu.QemuCaptureInstant;
import dev.here.machine.Bytes;
import dev.here.machine.RtcState;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/**
 * The real-time clock: registers 0 to 13 are Xen's, the rest of the memory is the device model's.
 * The time is the host's and an offset; Xen's registers show it as of the guest's last look. Facts:
 * Xen 4.17's xen/arch/x86/hvm/rtc.c; Motorola's MC146818 data sheet.
 */
final class XenRtcTranslation {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int XEN_REGISTERS = 14;
  private static final int REGISTER_A = 10;
  private static final int REGISTER_B = 11;
  private static final int B_SET = 0x80;
  private static final int B_PERIODIC = 0x40;
  private static final int B_BINARY = 0x04;
  private static final int B_24_HOURS = 0x02;
  private static final int CLOCK_HERTZ = 32768;
  private static final long MAX_OFFSET_SECONDS = 1L << 33;

  private final HvmRtc rtc;
  private final QemuCaptureInstant instant;
  private final XenLosses losses;

  XenRtcTranslation(HvmContext context, QemuCaptureInstant instant, XenLosses losses) {
    this.rtc = context.require(HvmRtc.class, 0);
    this.instant = instant;
    this.losses = losses;
  }

  /**
   * The clock.
   *
   * @param devices the device model's 128 octets
   */
  RtcState rtc(Bytes devices) {
    long offset = rtc.rtcOffset();
    if (Math.abs(offset) > MAX_OFFSET_SECONDS) {
      throw new XenFormatException(-1, "the clock is " + offset + " seconds off the host's");
    }
    long seconds = Math.floorDiv(instant.realtimeNanos(), NANOS_PER_SECOND) + offset;
    long nanos = Math.floorMod(instant.realtimeNanos(), NANOS_PER_SECOND);
    byte[] cmos = devices.toArray();
    System.arraycopy(rtc.cmosData().toArray(), 0, cmos, 0, XEN_REGISTERS);
    if ((cmos[REGISTER_B] & B_SET) == 0) {
      show(cmos, seconds);
    }
    return new RtcState(
        Bytes.of(cmos), rtc.cmosIndex() & 0x7f, seconds, nanos, nanosToPeriodic(cmos));
  }

  private static void show(byte[] cmos, long seconds) {
    LocalDateTime time = LocalDateTime.ofInstant(Instant.ofEpochSecond(seconds), ZoneOffset.UTC);
    int mode = cmos[REGISTER_B];
    cmos[0] = octet(mode, time.getSecond());
    cmos[2] = octet(mode, time.getMinute());
    cmos[4] = hour(mode, time.getHour());
    // Xen counts days from Sunday, 0.
    cmos[6] = octet(mode, time.getDayOfWeek().getValue() % 7);
    cmos[7] = octet(mode, time.getDayOfMonth());
    cmos[8] = octet(mode, time.getMonthValue());
    cmos[9] = octet(mode, time.getYear() % 100);
  }

  private static byte hour(int mode, int hour) {
    if ((mode & B_24_HOURS) != 0) {
      return octet(mode, hour);
    }
    int twelve = hour % 12 == 0 ? 12 : hour % 12;
    return (byte) (octet(mode, twelve) | (hour >= 12 ? 0x80 : 0));
  }

  private static byte octet(int mode, int number) {
    return (byte) ((mode & B_BINARY) != 0 ? number : number / 10 << 4 | number % 10);
  }

  /** Xen does not save where in its period the interrupt is; it begins a new one. */
  private long nanosToPeriodic(byte[] cmos) {
    int rate = cmos[REGISTER_A] & 15;
    int divider = cmos[REGISTER_A] >> 4 & 7;
    if ((cmos[REGISTER_B] & B_PERIODIC) == 0 || rate == 0 || divider > 2) {
      return -1;
    }
    int shift = (divider == 2 && rate <= 2 ? rate + 7 : rate) - 1;
    long period = (1L << shift) * NANOS_PER_SECOND / CLOCK_HERTZ;
    losses.add("RTC/phase", period, "Xen does not save the rest of the period; a new one begins");
    return period;
  }
}
