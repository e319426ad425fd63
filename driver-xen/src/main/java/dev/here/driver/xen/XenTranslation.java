package dev.here.driver.xen;

import dev.here.hypervisor.Capture;

/** Turns what was taken of a domain into a machine state, after the guest has gone on. */
@FunctionalInterface
public interface XenTranslation {
  /**
   * Translates.
   *
   * @param context the hypervisor's save records
   * @param devices the device model's saved state
   * @param realtimeNanos wall clock when the guest stood still, since 1970
   * @param monotonicNanos monotonic clock at the same instant
   */
  Capture.Translation translate(
      byte[] context, byte[] devices, long realtimeNanos, long monotonicNanos);
}
