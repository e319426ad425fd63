package dev.here.machine;

/**
 * The MC146818 real-time clock and CMOS memory.
 *
 * @param cmos 128 octets; the time registers hold the guest's time at the instant of capture
 * @param index last written to port 70h, 7 bits
 * @param guestSeconds the clock's time, seconds since 1970 read as UTC
 * @param guestNanos its fraction of a second, 0 to 999,999,999
 * @param nanosToPeriodic until the next periodic interrupt; -1 when none is programmed
 */
public record RtcState(
    Bytes cmos, int index, long guestSeconds, long guestNanos, long nanosToPeriodic) {
  public RtcState {
    Bounds.length("rtc.cmos", cmos, 128);
    Bounds.range("rtc.index", index, 0, 127);
    Bounds.range("rtc.guestNanos", guestNanos, 0, 999_999_999);
  }
}
