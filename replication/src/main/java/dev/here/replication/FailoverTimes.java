package dev.here.replication;

/**
 * Where the time of a failover went; a part that did not happen is 0.
 *
 * @param silenceNanos from the last sign of life to the decision
 * @param acquireNanos from the decision to the lease
 * @param fenceNanos making sure of the old hypervisor, where it could be reached
 * @param activateNanos from there to the guest's first instruction
 */
public record FailoverTimes(
    long silenceNanos, long acquireNanos, long fenceNanos, long activateNanos) {
  /** All of it, nanoseconds. */
  public long totalNanos() {
    return silenceNanos + acquireNanos + fenceNanos + activateNanos;
  }
}
