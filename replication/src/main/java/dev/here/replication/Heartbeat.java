package dev.here.replication;

import dev.here.formats.wire.Message;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.Primary;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the guest's hypervisor for the guest's progress, tells the standby, and judges it. A guest
 * that hangs is ended here, by force, before anyone takes it over. Has its own thread.
 */
final class Heartbeat implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);

  private static final GuestProgress GONE = new GuestProgress(false, false, 0, false);

  private final Primary primary;
  private final Protection protection;
  private final LoopSignal signal;
  private final LongSupplier epoch;
  private final BooleanSupplier mayHandOver;
  private final Suspicion suspicion;
  private final AtomicReference<Optional<StandbyLink>> link =
      new AtomicReference<>(Optional.empty());
  private final Thread thread;

  /**
   * Counted down when no further heartbeat is wanted. The thread is not interrupted: that would
   * close the connection which it may be writing to, and the goodbye follows on it.
   */
  private final CountDownLatch closing = new CountDownLatch(1);

  private volatile boolean guestLost;
  private long sequence;

  Heartbeat(
      Primary primary,
      Protection protection,
      LoopSignal signal,
      LongSupplier epoch,
      BooleanSupplier mayHandOver) {
    this.primary = primary;
    this.protection = protection;
    this.signal = signal;
    this.epoch = epoch;
    this.mayHandOver = mayHandOver;
    this.suspicion = new Suspicion(protection.limits());
    this.thread = Thread.ofPlatform().name("heartbeat").daemon().unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** The standby that hears the heartbeat from now on. */
  void link(Optional<StandbyLink> standby) {
    link.set(standby);
  }

  private void run() {
    try {
      do {
        try {
          beat();
        } catch (RuntimeException e) {
          // The next one may do better: without heartbeats the guest would be taken over.
          LOG.warn("a heartbeat of {} failed", protection.vmName(), e);
        }
      } while (!closing.await(protection.heartbeatNanos(), TimeUnit.NANOSECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void beat() {
    if (guestLost) {
      tell(GONE);
      return;
    }
    GuestProgress progress;
    try {
      progress = primary.progress(protection.limits().silentNanos());
    } catch (HypervisorException e) {
      LOG.debug("the hypervisor did not tell the guest's progress: {}", e.getMessage());
      progress = GONE;
    }
    suspicion.progress(System.nanoTime(), progress);
    if (!progress.alive()) {
      // Whether it crashed or hangs shows at once when a checkpoint is tried.
      signal.hurry();
    }
    if (isClosed()) {
      return;
    }
    // Where its end is under way already, waiting for that here would leave the standby in silence.
    boolean hung = !guestLost && suspicion.verdict(System.nanoTime()) == Verdict.GUEST_HUNG;
    // Without a standby that may take over, ending a guest that only seems to hang would lose it.
    if (hung && mayHandOver.getAsBoolean()) {
      end();
    } else {
      tell(progress);
    }
  }

  private void end() {
    LOG.warn("the guest of {} hangs and is ended here", protection.vmName());
    guestLost();
    signal.lost(Verdict.GUEST_HUNG);
    try {
      primary.kill();
    } catch (HypervisorException e) {
      LOG.warn(
          "the hung hypervisor of {} could not be ended: {}", protection.vmName(), e.getMessage());
    }
  }

  private void tell(GuestProgress progress) {
    Optional<StandbyLink> standby = link.get();
    if (standby.isEmpty() || standby.get().isClosed()) {
      return;
    }
    if (standby.get().silentNanos(System.nanoTime()) > protection.limits().peerSilentNanos()) {
      standby.get().fail("the standby is silent");
      return;
    }
    try {
      standby
          .get()
          .ask(
              new Message.Progress(
                  sequence++,
                  epoch.getAsLong(),
                  progress.alive(),
                  progress.paused(),
                  progress.idle(),
                  Math.max(0, progress.executedNanos())));
    } catch (IOException e) {
      LOG.debug("the heartbeat could not be sent: {}", e.getMessage());
    }
  }

  /**
   * The guest does not run any more: the hypervisor is not asked again. The standby goes on hearing
   * this host, which may need a while to make certain of the end, and then tells what it was.
   */
  void guestLost() {
    guestLost = true;
  }

  private boolean isClosed() {
    return closing.getCount() == 0;
  }

  /** Does not wait for a question to the hypervisor that is under way. */
  @Override
  public void close() {
    closing.countDown();
  }
}
