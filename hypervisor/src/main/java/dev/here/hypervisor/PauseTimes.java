package dev.here.hypervisor;

/**
 * Where the pause of one checkpoint went; a part that a hypervisor does not show is 0.
 *
 * @param stopNanos from the request until all vCPUs and devices stood still
 * @param dirtyLogNanos taking the set of dirty pages
 * @param stateNanos taking the vendor's machine state
 * @param copyNanos copying the dirty pages to staging
 * @param resumeNanos until the guest ran again
 */
public record PauseTimes(
    long stopNanos, long dirtyLogNanos, long stateNanos, long copyNanos, long resumeNanos) {
  /** How long the guest stood still, nanoseconds. */
  public long pauseNanos() {
    return stopNanos + dirtyLogNanos + stateNanos + copyNanos + resumeNanos;
  }
}
