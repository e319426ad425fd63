package dev.here.replication;

/**
 * When the first checkpoints of a protection are over, and the guest's frames begin to be held. The
 * very first takes long because all is new to the standby, the ones after it where both sides' code
 * runs for the first time: on a slow host 3 s, then 2, less than a half second after ten. The
 * intervals that follow from them get shorter more slowly still. Nothing is held for them, so that
 * the guest's clients do not notice, and no standby may take over yet. Where checkpoints stay slow
 * they are not waited for.
 */
final class FirstCheckpoints {
  /** A commit that a client may wait for. */
  private static final long QUICK_NANOS = 300_000_000;

  /** Of the one before; less is on its way down. */
  private static final double SETTLED = 0.8;

  /** Nobody who wants such intervals gains by waiting for them to get shorter. */
  private static final long LONG_NANOS = 1_000_000_000;

  private static final int MOST = 10;

  private int commits;
  private long roundNanos = Long.MAX_VALUE;
  private boolean settled;

  /**
   * One more was committed.
   *
   * @param intervalNanos for which the guest ran before
   * @param commitNanos from when the guest went on until the standby had it
   */
  void committed(long intervalNanos, long commitNanos) {
    long before = roundNanos;
    commits++;
    roundNanos = intervalNanos + commitNanos;
    boolean shrinking = roundNanos < SETTLED * before && intervalNanos < LONG_NANOS;
    settled = commitNanos <= QUICK_NANOS && !shrinking;
  }

  boolean areOver() {
    return settled || commits >= MOST;
  }
}
