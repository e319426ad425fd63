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
  /** No pause. */
  public static final PauseTimes NONE = new PauseTimes(0, 0, 0, 0, 0);

  /** Each part of both together. */
  public PauseTimes plus(PauseTimes other) {
    return new PauseTimes(
        stopNanos + other.stopNanos,
        dirtyLogNanos + other.dirtyLogNanos,
        stateNanos + other.stateNanos,
        copyNanos + other.copyNanos,
        resumeNanos + other.resumeNanos);
  }

  /** How long the guest stood still, nanoseconds. */
  public long pauseNanos() {
    return stopNanos + dirtyLogNanos + stateNanos + copyNanos + resumeNanos;
  }
}
