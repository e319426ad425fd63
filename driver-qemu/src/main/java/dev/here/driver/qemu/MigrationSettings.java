package dev.here.driver.qemu;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * The migration parameters that a protection changes, with the values that they had before.
 *
 * @param before parameter to value
 */
record MigrationSettings(Map<String, Long> before) {
  static final long MAX_BANDWIDTH = 10L << 30;
  private static final long LONGEST_DELAY_MILLIS = QemuTimerInterval.LONGEST_MICROS / 1000;
  private static final String DELAY = "x-checkpoint-delay";
  private static final String BANDWIDTH = "max-bandwidth";
  private static final String DOWNTIME = "downtime-limit";

  /** QEMU's own defaults (migration/migration.c). */
  private static final Map<String, Long> DEFAULTS =
      Map.of(DELAY, 20_000L, BANDWIDTH, 128L << 20, DOWNTIME, 300L);

  /**
   * Notes the present values and sets ours.
   *
   * @param delay how long after a checkpoint QEMU asks for the next one, at most; the request is
   *     then held until the epoch ends, so the pace is ours. QEMU's timer for it goes off again and
   *     again, whether or not a request is held (migration/colo.c, colo_checkpoint_notify).
   */
  static MigrationSettings apply(
      QmpClient qmp, QemuTimerInterval delay, long downtimeMillis, Duration timeout) {
    JsonNode present = qmp.execute("query-migrate-parameters", timeout);
    var before = new LinkedHashMap<String, Long>();
    for (String name : List.of(DELAY, BANDWIDTH, DOWNTIME)) {
      before.put(name, present.path(name).asLong(DEFAULTS.getOrDefault(name, 0L)));
    }
    set(
        qmp,
        Map.of(DELAY, delay.millis(), BANDWIDTH, MAX_BANDWIDTH, DOWNTIME, downtimeMillis),
        timeout);
    return new MigrationSettings(before);
  }

  /** Lets the seeding's last pass be as long as {@code downtimeMillis}. */
  static void allowDowntime(QmpClient qmp, long downtimeMillis, Duration timeout) {
    set(qmp, Map.of(DOWNTIME, downtimeMillis), timeout);
  }

  /** Puts the noted values back. */
  void restore(QmpClient qmp, Duration timeout) {
    set(qmp, before, timeout);
  }

  /** Puts QEMU's defaults where a protection that ended without a word left its values. */
  static boolean restoreDefaults(QmpClient qmp, Duration timeout) {
    JsonNode present = qmp.execute("query-migrate-parameters", timeout);
    if (!areOurs(present)) {
      return false;
    }
    set(qmp, DEFAULTS, timeout);
    return true;
  }

  /** Nobody else asks for checkpoints so often. */
  private static boolean areOurs(JsonNode present) {
    return present.path(DELAY).asLong(Long.MAX_VALUE) <= LONGEST_DELAY_MILLIS
        && present.path(BANDWIDTH).asLong(0) == MAX_BANDWIDTH;
  }

  private static void set(QmpClient qmp, Map<String, Long> values, Duration timeout) {
    qmp.execute("migrate-set-parameters", values, timeout);
  }
}
