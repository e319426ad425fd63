package dev.here.formats.qemu;

import dev.here.machine.Bytes;
import dev.here.machine.RtcState;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/**
 * The real-time clock. Its registers hold whole seconds; the fraction follows from QEMU's reference
 * point (base_rtc at last_update on the clock of {@code -rtc clock=}, the host's by default) and
 * the instant of capture. Facts: QEMU 7.2's hw/rtc/mc146818rtc.c; Motorola's MC146818 data sheet.
 */
final class QemuRtcTranslation {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final long MAX_SECONDS = 1L << 33;

  /** Between a capture's clock reading and QEMU's own the second may change. */
  private static final long TOLERANCE_SECONDS = 2;

  private static final int REGISTER_B = 0x0b;
  private static final int B_24_HOURS = 0x02;
  private static final int B_BINARY = 0x04;
  private static final int CENTURY = 0x32;

  private final VmStruct rtc;
  private final QemuCaptureInstant instant;
  private final long virtualNanos;

  QemuRtcTranslation(VmState state, QemuCaptureInstant instant, long virtualNanos) {
    this.rtc = state.require("mc146818rtc", 0);
    this.instant = instant;
    this.virtualNanos = virtualNanos;
  }

  RtcState rtc() {
    byte[] cmos = rtc.octets("cmos_data", 128);
    long base = rtc.number("base_rtc");
    if (base < 0 || base > MAX_SECONDS) {
      throw new QemuStreamException(-1, rtc.path("base_rtc") + " is " + base + " seconds");
    }
    long shown = shownSeconds(cmos, base);
    long now = instant.realtimeNanos();
    long guestNanos = guestNanos(base, now);
    if (!near(guestNanos, shown)) {
      now = virtualNanos;
      guestNanos = guestNanos(base, now);
    }
    if (!near(guestNanos, shown)) {
      guestNanos = shown * NANOS_PER_SECOND;
    }
    long periodic = rtc.number("periodic_timer");
    return new RtcState(
        Bytes.of(cmos),
        rtc.number("cmos_index", 0, 255) & 0x7f,
        Math.floorDiv(guestNanos, NANOS_PER_SECOND),
        Math.floorMod(guestNanos, NANOS_PER_SECOND),
        periodic < 0 ? -1 : Math.max(0, periodic - now));
  }

  private long guestNanos(long base, long now) {
    return base * NANOS_PER_SECOND + (now - rtc.number("last_update")) + rtc.number("offset");
  }

  private static boolean near(long guestNanos, long shownSeconds) {
    return Math.abs(Math.floorDiv(guestNanos, NANOS_PER_SECOND) - shownSeconds)
        <= TOLERANCE_SECONDS;
  }

  /** The time that the registers show, or {@code otherwise} if they show none. */
  private static long shownSeconds(byte[] cmos, long otherwise) {
    int mode = cmos[REGISTER_B];
    int hours = cmos[4] & 0xff;
    boolean afternoon = (mode & B_24_HOURS) == 0 && (hours & 0x80) != 0;
    int hour = number(mode, (mode & B_24_HOURS) == 0 ? hours & 0x7f : hours);
    if ((mode & B_24_HOURS) == 0) {
      hour = hour % 12 + (afternoon ? 12 : 0);
    }
    int year = number(mode, cmos[9] & 0xff) + 100 * number(mode, cmos[CENTURY] & 0xff);
    try {
      return LocalDateTime.of(
              year,
              number(mode, cmos[8] & 0xff),
              number(mode, cmos[7] & 0xff),
              hour,
              number(mode, cmos[2] & 0xff),
              number(mode, cmos[0] & 0xff))
          .toEpochSecond(ZoneOffset.UTC);
    } catch (DateTimeException notATime) {
      return otherwise;
    }
  }

  private static int number(int mode, int register) {
    return (mode & B_BINARY) != 0 ? register : (register >> 4) * 10 + (register & 15);
  }
}
