package dev.here.replication;

/**
 * When the first checkpoints of a protection are over, and the guest's frames begin to be held. The
 * very first takes long because all is new to the standby, the ones after it where both sides' code
 * runs for the first time: on a slow host 3 s, then 2, less than a half second after ten. Nothing
 * is held for them, so that the guest's clients do not notice, and no standby may take over yet.
 * Where checkpoints stay slow they are not waited for.
 */
final class FirstCheckpoints {
  /** A commit that a client may wait for. */
  private static final long QUICK_NANOS = 300_000_000;

  private static final int MOST = 10;

  private int commits;
  private long lastNanos;

  /**
   * One more was committed.
   *
   * @param commitNanos from when the guest went on until the standby had it
   */
  void committed(long commitNanos) {
    commits++;
    lastNanos = commitNanos;
  }

  boolean areOver() {
    return commits > 0 && lastNanos <= QUICK_NANOS || commits >= MOST;
  }
}
