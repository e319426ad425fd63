package dev.here.driver.qemu;

import java.time.Duration;

/**
 * How often a timer that HERE sets in QEMU may go off. Each time wakes QEMU's main loop, which then
 * looks at all of its files: at 1 ms that took a quarter of an emulated host's processor, at 5 ms a
 * sixth. So a QEMU that is slow to answer is woken less often.
 *
 * @param micros {@link #SHORTEST_MICROS} to {@link #LONGEST_MICROS}
 */
record QemuTimerInterval(long micros) {
  static final long SHORTEST_MICROS = 5_000;
  static final long LONGEST_MICROS = 25_000;
  private static final int ANSWERS = 3;

  /** What QEMU takes for an answer, within bounds. */
  static QemuTimerInterval measure(QmpClient qmp, Duration timeout) {
    long quickest = Long.MAX_VALUE;
    for (int answer = 0; answer < ANSWERS; answer++) {
      long began = System.nanoTime();
      qmp.execute("query-status", timeout);
      quickest = Math.min(quickest, System.nanoTime() - began);
    }
    return new QemuTimerInterval(Math.clamp(quickest / 1000, SHORTEST_MICROS, LONGEST_MICROS));
  }

  long millis() {
    return micros / 1000;
  }
}
