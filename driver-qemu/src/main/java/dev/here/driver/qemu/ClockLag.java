package dev.here.driver.qemu;

/**
 * How far the guest's clock has fallen behind the host's while protected. QEMU stops the virtual
 * clock, and with it the KVM clock, for every pause, so the lag is the sum of the pauses.
 *
 * @param lagNanos sum of all pauses
 * @param pauses how many there were
 * @param protectedNanos time since the protection began
 */
public record ClockLag(long lagNanos, long pauses, long protectedNanos) {
  /** Lag in seconds per hour of protection. */
  public double secondsPerHour() {
    return protectedNanos == 0 ? 0 : 3600.0 * lagNanos / protectedNanos;
  }
}
