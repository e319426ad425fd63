package dev.here.driver.qemu;

import dev.here.formats.qemu.MigrationStream;
import dev.here.hypervisor.Capture;

/** Turns one checkpoint's device state into a machine state, after the guest has gone on. */
@FunctionalInterface
public interface ColoTranslation {
  /**
   * Translates.
   *
   * @param initial the stream that opened the connection; its schema describes {@code deviceState}
   * @param deviceState full device sections and the end mark
   * @param realtimeNanos wall clock of QEMU's host when the guest had stopped, since 1970
   * @param monotonicNanos monotonic clock of QEMU's host at the same instant
   */
  Capture.Translation translate(
      MigrationStream initial, byte[] deviceState, long realtimeNanos, long monotonicNanos);
}
