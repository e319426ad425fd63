package dev.here.vmm;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/** The time registers of an MC146818 in the form that its register B asks for. */
final class RtcTime {
  static final int SECONDS = 0x00;
  static final int SECONDS_ALARM = 0x01;
  static final int MINUTES = 0x02;
  static final int MINUTES_ALARM = 0x03;
  static final int HOURS = 0x04;
  static final int HOURS_ALARM = 0x05;
  static final int CENTURY = 0x32;

  private static final int WEEKDAY = 0x06;
  private static final int DAY = 0x07;
  private static final int MONTH = 0x08;
  private static final int YEAR = 0x09;
  private static final int CENTURY_PS2 = 0x37;
  private static final int REGISTER_B = 0x0b;
  private static final int BINARY = 0x04;
  private static final int HOURS_24 = 0x02;
  private static final int PM = 0x80;
  private static final int ANY = 0xc0;

  private RtcTime() {}

  /** Whether {@code index} is a register of the date or the time of day. */
  static boolean isTime(int index) {
    return index <= YEAR && index != SECONDS_ALARM && index != MINUTES_ALARM && index != HOURS_ALARM
        || index == CENTURY
        || index == CENTURY_PS2;
  }

  /** Writes the time into the registers. */
  static void encode(byte[] cmos, long epochSeconds) {
    LocalDateTime time = LocalDateTime.ofEpochSecond(epochSeconds, 0, ZoneOffset.UTC);
    put(cmos, SECONDS, time.getSecond());
    put(cmos, MINUTES, time.getMinute());
    if ((cmos[REGISTER_B] & HOURS_24) != 0) {
      put(cmos, HOURS, time.getHour());
    } else {
      put(cmos, HOURS, time.getHour() % 12 == 0 ? 12 : time.getHour() % 12);
      cmos[HOURS] |= (byte) (time.getHour() >= 12 ? PM : 0);
    }
    put(cmos, WEEKDAY, time.getDayOfWeek().getValue() % 7 + 1);
    put(cmos, DAY, time.getDayOfMonth());
    put(cmos, MONTH, time.getMonthValue());
    put(cmos, YEAR, Math.floorMod(time.getYear(), 100));
    put(cmos, CENTURY, Math.floorMod(time.getYear() / 100, 100));
    cmos[CENTURY_PS2] = cmos[CENTURY];
  }

  /** Seconds since 1970 as the registers say, or {@code otherwise} where they say no date. */
  static long decode(byte[] cmos, long otherwise) {
    try {
      return LocalDateTime.of(
              get(cmos, CENTURY) * 100 + get(cmos, YEAR),
              get(cmos, MONTH),
              get(cmos, DAY),
              hour(cmos, HOURS),
              get(cmos, MINUTES),
              get(cmos, SECONDS))
          .toEpochSecond(ZoneOffset.UTC);
    } catch (DateTimeException e) {
      return otherwise;
    }
  }

  /**
   * First second after {@code epochSeconds} that the alarm registers match; a day later if none.
   */
  static long nextAlarm(byte[] cmos, long epochSeconds) {
    long day = 86_400;
    int second = alarm(cmos, SECONDS_ALARM);
    int minute = alarm(cmos, MINUTES_ALARM);
    int hour = (cmos[HOURS_ALARM] & ANY) == ANY ? -1 : hour(cmos, HOURS_ALARM);
    for (long at = epochSeconds + 1; at < epochSeconds + day; at++) {
      int ofDay = (int) Math.floorMod(at, day);
      if ((second < 0 || ofDay % 60 == second)
          && (minute < 0 || ofDay / 60 % 60 == minute)
          && (hour < 0 || ofDay / 3600 == hour)) {
        return at;
      }
    }
    return epochSeconds + day;
  }

  private static int alarm(byte[] cmos, int index) {
    return (cmos[index] & ANY) == ANY ? -1 : get(cmos, index);
  }

  private static int hour(byte[] cmos, int index) {
    if ((cmos[REGISTER_B] & HOURS_24) != 0) {
      return get(cmos, index);
    }
    int hour = number(cmos, cmos[index] & ~PM & 0xff) % 12;
    return (cmos[index] & PM) != 0 ? hour + 12 : hour;
  }

  private static int get(byte[] cmos, int index) {
    return number(cmos, cmos[index] & 0xff);
  }

  private static int number(byte[] cmos, int octet) {
    return (cmos[REGISTER_B] & BINARY) != 0 ? octet : (octet >> 4) * 10 + (octet & 0xf);
  }

  private static void put(byte[] cmos, int index, int value) {
    cmos[index] = (byte) ((cmos[REGISTER_B] & BINARY) != 0 ? value : value / 10 << 4 | value % 10);
  }
}
