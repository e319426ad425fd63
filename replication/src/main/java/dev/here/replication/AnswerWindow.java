package dev.here.replication;

import java.util.function.BooleanSupplier;

/**
 * When the next checkpoint is to be taken where commits take longer than the interval, so that it
 * is due already when the one before is committed.
 *
 * <p>A client that waits for an answer sends its next request only then, and a checkpoint at that
 * very moment comes before the guest has got it: the request's answer waits for two checkpoints,
 * and every other one serves nobody. So the guest runs on until it has sent something that waits
 * for a checkpoint, and a tenth of the interval for what follows it, but no longer than one
 * interval. Where a frame waits already, where no frame was in the last checkpoint, so that nobody
 * has got an answer, and where commits are quicker than the interval, nothing is waited for.
 */
final class AnswerWindow {
  private static final int LOOKS = 40;
  private static final int SETTLE = 10;
  private static final long SHORTEST_LOOK_NANOS = 500_000;

  /** A guest fills a quarter of 64 MiB at ten gigabits a second. */
  private static final long ROOM_LOOK_NANOS = 15_000_000;

  private final LoopSignal signal;
  private final BooleanSupplier sent;
  private final BooleanSupplier filling;

  /**
   * @param sent whether the guest has sent frames since its last checkpoint
   * @param filling whether there is hardly room left for frames: then a checkpoint is due at once
   */
  AnswerWindow(LoopSignal signal, BooleanSupplier sent, BooleanSupplier filling) {
    this.signal = signal;
    this.sent = sent;
    this.filling = filling;
  }

  /**
   * Waits until the next checkpoint is to be taken, or somebody wants something of the loop.
   *
   * @param resumedNanos when the guest ran again after the last checkpoint
   * @param releasedNanos when that one's frames had left
   * @param released whether there were any
   * @param intervalNanos how long the guest is to run
   */
  void await(long resumedNanos, long releasedNanos, boolean released, long intervalNanos)
      throws InterruptedException {
    long due = resumedNanos + intervalNanos;
    boolean undisturbed = awaitWithRoom(due);
    if (!undisturbed || due - releasedNanos > 0 || !released || sent.getAsBoolean()) {
      return;
    }
    long latest = releasedNanos + intervalNanos;
    long look = Math.max(SHORTEST_LOOK_NANOS, intervalNanos / LOOKS);
    while (undisturbed && !sent.getAsBoolean() && System.nanoTime() - latest < 0) {
      undisturbed = signal.await(earlier(System.nanoTime() + look, latest));
    }
    if (undisturbed) {
      signal.await(earlier(System.nanoTime() + intervalNanos / SETTLE, latest));
    }
  }

  /** Waits until the time has come; false when somebody wants something, or room runs out. */
  private boolean awaitWithRoom(long due) throws InterruptedException {
    boolean undisturbed = true;
    while (undisturbed && due - System.nanoTime() > ROOM_LOOK_NANOS) {
      undisturbed = signal.await(System.nanoTime() + ROOM_LOOK_NANOS) && !filling.getAsBoolean();
    }
    return undisturbed && signal.await(due);
  }

  private static long earlier(long one, long other) {
    return one - other < 0 ? one : other;
  }
}
