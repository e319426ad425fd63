package dev.here.bench;

import dev.here.replication.EpochMeasure;
import dev.here.replication.IntervalPolicy;
import dev.here.replication.ProtectionEvents;
import dev.here.replication.ProtectionState;
import dev.here.replication.ProtectionStatus;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Lets a benchmark decide what the guest does in an epoch: work that it gives is done by the epoch
 * loop's own thread while the guest runs, and the checkpoint follows at once. In between there are
 * short epochs in which nothing is asked of the guest, so that the standby has done everything of
 * the last one before the next work.
 */
final class DrivenEpochs implements IntervalPolicy, ProtectionEvents {
  private static final long IDLE_NANOS = 2_000_000;
  private static final long PATIENCE_MILLIS = 60_000;

  private Optional<Runnable> work = Optional.empty();
  private boolean working;
  private Optional<ProtectionStatus> done = Optional.empty();
  private Optional<RuntimeException> failure = Optional.empty();
  private ProtectionState state = ProtectionState.CONNECTING;
  private long checkpoints;
  private OptionalLong seedingNanos = OptionalLong.empty();

  /** Does {@code epochWork} in an epoch; returns how it stands when that is committed. */
  synchronized ProtectionStatus checkpoint(Runnable epochWork) throws InterruptedException {
    work = Optional.of(epochWork);
    done = Optional.empty();
    await("the checkpoint's commit", () -> done.isPresent());
    return done.orElseThrow();
  }

  /** Waits for the first commit. */
  synchronized void awaitProtected() throws InterruptedException {
    await("the protection", () -> state == ProtectionState.PROTECTED);
  }

  /** Waits until {@code number} checkpoints were committed. */
  synchronized void awaitCheckpoints(long number) throws InterruptedException {
    await(number + " checkpoints", () -> checkpoints >= number);
  }

  /** Waits until seeding begins; returns when that was, monotonic nanoseconds. */
  synchronized long awaitSeeding() throws InterruptedException {
    await("the seeding", () -> seedingNanos.isPresent());
    return seedingNanos.orElseThrow();
  }

  private void await(String what, java.util.function.BooleanSupplier condition)
      throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;
    while (!condition.getAsBoolean()) {
      if (failure.isPresent()) {
        throw failure.get();
      }
      long leftMillis = (deadline - System.nanoTime()) / 1_000_000;
      if (leftMillis <= 0) {
        throw new BenchException(
            "%s did not come within %d s; the protection is %s"
                .formatted(what, PATIENCE_MILLIS / 1000, state));
      }
      wait(leftMillis);
    }
  }

  @Override
  public long nextIntervalNanos() {
    Optional<Runnable> due = take();
    if (due.isEmpty()) {
      return IDLE_NANOS;
    }
    try {
      due.get().run();
    } catch (RuntimeException e) {
      fail(e);
    }
    return 0;
  }

  private synchronized Optional<Runnable> take() {
    Optional<Runnable> due = working ? Optional.empty() : work;
    working = due.isPresent();
    if (working) {
      work = Optional.empty();
    }
    return due;
  }

  private synchronized void fail(RuntimeException cause) {
    failure = Optional.of(cause);
    notifyAll();
  }

  @Override
  public void measured(EpochMeasure measure) {
    // Epochs are as long as their work takes.
  }

  @Override
  public String description() {
    return "driven by a benchmark";
  }

  @Override
  public synchronized void changed(ProtectionState newState, String reason) {
    state = newState;
    if (newState == ProtectionState.SEEDING && seedingNanos.isEmpty()) {
      seedingNanos = OptionalLong.of(System.nanoTime());
    }
    if (newState.isFinal() && newState != ProtectionState.UNPROTECTED) {
      fail(new BenchException("the protection ended as %s: %s".formatted(newState, reason)));
    }
    notifyAll();
  }

  @Override
  public synchronized void committed(ProtectionStatus status) {
    checkpoints = status.checkpoints();
    if (working) {
      done = Optional.of(status);
    }
    notifyAll();
  }
}
