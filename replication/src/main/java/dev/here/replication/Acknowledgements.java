package dev.here.replication;

/**
 * Which epoch the standby has committed, as the primary's loop waits for it. Written by the link's
 * reader, read by the loop.
 */
final class Acknowledgements {
  private long acknowledged;
  private long commitNanos;
  private long arrivedNanos;
  private boolean closed;
  private String reason = "";

  /** The standby says that {@code epoch} is committed. */
  synchronized void acknowledged(long epoch, long standbyNanos) {
    acknowledged = Math.max(acknowledged, epoch);
    commitNanos = standbyNanos;
    arrivedNanos = System.nanoTime();
    notifyAll();
  }

  /** No further acknowledgement will come on this link. */
  synchronized void close(String why) {
    if (!closed) {
      closed = true;
      reason = why;
      notifyAll();
    }
  }

  synchronized boolean isClosed() {
    return closed;
  }

  synchronized String reason() {
    return reason;
  }

  /** How long the standby took for its last commit, nanoseconds. */
  synchronized long commitNanos() {
    return commitNanos;
  }

  /** When the last acknowledgement came, {@link System#nanoTime()}. */
  synchronized long arrivedNanos() {
    return arrivedNanos;
  }

  /**
   * Waits until {@code epoch} is acknowledged.
   *
   * @return false when the link closed or the time ran out first
   */
  synchronized boolean await(long epoch, long timeoutNanos) throws InterruptedException {
    long deadline = System.nanoTime() + timeoutNanos;
    while (acknowledged < epoch && !closed) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      wait(left / 1_000_000, (int) (left % 1_000_000));
    }
    return acknowledged >= epoch;
  }

  /** Waits until the link has closed or the time is over. */
  void awaitClose(long timeoutNanos) throws InterruptedException {
    await(Long.MAX_VALUE, timeoutNanos);
  }
}
