package dev.here.host;

import dev.here.hypervisor.HypervisorException;
import dev.here.replication.Lease;
import dev.here.replication.Ownership;
import dev.here.replication.OwnershipException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done after a keeper's death. The guest goes on soon, if it stood still in a checkpoint.
 * Its frames go nowhere until the gates are opened, and they may be opened only by who owns the VM,
 * once the standby can no longer take over: a checkpoint that it would go on from does not know of
 * the frames that leave then.
 *
 * <pre>
 *   keeper died ─► its lease is inherited ─► gates opened ─► lease given up
 *      │  │                   │
 *      │  └──it had none      └──not certain, or somebody else's
 *      │              ▼                 ▼
 *      │  the dead keeper's lease is waited for ─► ours: gates opened
 *      │                                        └► the standby's: the guest here is ended
 *      └─► its hypervisor died, too, and the standby may take over: it does
 * </pre>
 *
 * Nothing of a guest that is left to the standby leaves here any more: its frames are dropped.
 *
 * <p>A new lease refuses take-over from its beginning ({@link Ownership#acquire}), and has a token
 * that the standby's checkpoints do not carry.
 */
final class KeeperRevival {
  private static final Logger LOG = LoggerFactory.getLogger(KeeperRevival.class);
  private static final long POLL_MILLIS = 20;

  /** For so long the lease is made certain first, which the guest's frames wait for. */
  private static final long LEASE_FIRST_MILLIS = 300;

  private final WitnessConnection witness;
  private final ProtectOrder order;
  private final Path folder;
  private final Optional<LeaseMark> mark;
  private final CountDownLatch owned = new CountDownLatch(1);
  private final CompletableFuture<GuestReference.Leavings> leavings = new CompletableFuture<>();

  /**
   * @param witness this daemon's own connection
   * @param folder the dead keeper's
   */
  KeeperRevival(WitnessConnection witness, ProtectOrder order, Path folder) {
    this.witness = witness;
    this.order = order;
    this.folder = folder;
    this.mark = LeaseMark.read(folder);
  }

  /**
   * Returns how the protection ended; empty when the guest goes on here, ready for a new keeper.
   */
  Optional<KeeperOutcome> revive() throws InterruptedException {
    leavings.completeAsync(this::findLeavings, this::startSeeing);
    try {
      return reviveOwned();
    } finally {
      closeLeavings();
    }
  }

  /** While the lease is being made certain, if that takes long. */
  private GuestReference.Leavings findLeavings() {
    try {
      boolean first = owned.await(LEASE_FIRST_MILLIS, TimeUnit.MILLISECONDS);
      LOG.debug("{} is certain to be owned: {}", order.name(), first);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return guest().leavings();
  }

  private void closeLeavings() {
    try {
      leavings.join().close();
    } catch (CompletionException e) {
      LOG.debug("nothing was left of {}: {}", order.name(), e.getMessage());
    }
  }

  private Optional<KeeperOutcome> reviveOwned() throws InterruptedException {
    if (mark.isPresent()) {
      Optional<Revived> revived = inherit(mark.get().token());
      if (revived.isPresent()) {
        return revived.get().outcome();
      }
    }
    return awaitLease();
  }

  /** Nothing here can go on, and the standby may: what is held is of no use any more. */
  private boolean isForStandby(ZooKeeperOwnership ownership) {
    return mark.isPresent() && isGuestGone() && ownership.mayBeTakenOver(mark.get().token());
  }

  /**
   * By its process where one was written down, which takes some microseconds. A guest whose
   * hypervisor dies after this, and before its lease was inherited, is lost: what the standby has
   * cannot be taken over any more.
   */
  private boolean isGuestGone() {
    return HypervisorMark.isDead(folder).orElseGet(() -> frames().haveNoGuest());
  }

  /** The gates are open, or the hypervisor is lost. */
  private record Revived(Optional<KeeperOutcome> outcome) {}

  /** Empty when the dead keeper's lease cannot be had so: nothing was touched then. */
  private Optional<Revived> inherit(long token) throws InterruptedException {
    try (ZooKeeperOwnership ownership = witness.place(VmIdentity.of(order.name()), order.host())) {
      long deadline = deadlineNanos(1);
      while (System.nanoTime() < deadline) {
        try {
          if (isForStandby(ownership)) {
            return Optional.of(new Revived(Optional.of(endHere())));
          }
          Optional<Lease> lease = ownership.inherit(token);
          if (lease.isEmpty()) {
            return Optional.empty();
          }
          LOG.info("the lease of {}'s dead keeper was inherited", order.name());
          return Optional.of(new Revived(undo()));
        } catch (OwnershipException e) {
          LOG.info("{}: {}", order.name(), e.getMessage());
        }
        Thread.sleep(POLL_MILLIS);
      }
      return Optional.empty();
    }
  }

  private Optional<KeeperOutcome> awaitLease() throws InterruptedException {
    try (ZooKeeperOwnership ownership = witness.place(VmIdentity.of(order.name()), order.host())) {
      Optional<Runnable> owned = await(ownership);
      if (owned.isEmpty()) {
        return Optional.of(endHere());
      }
      try {
        return undo();
      } finally {
        owned.get().run();
      }
    }
  }

  private int leaseMillis() {
    return Keeper.leaseMillis(order.suspectAfterMillis());
  }

  private long deadlineNanos(int leases) {
    return System.nanoTime() + leases * 1_000_000L * leaseMillis();
  }

  /**
   * Waits until the VM is owned by this daemon; what is returned lets go of it again. Empty when
   * another host has taken the VM over (its lease need not be held at this moment), or is to.
   */
  private Optional<Runnable> await(ZooKeeperOwnership ownership) throws InterruptedException {
    long deadline = deadlineNanos(3);
    while (true) {
      try {
        if (isForStandby(ownership)) {
          return Optional.empty();
        }
        if (ownership.isHeldBySession()) {
          LOG.info("{} is owned from here: its keeper died before it had the lease", order.name());
          return Optional.of(() -> {});
        }
        Optional<Lease> lease = ownership.regain();
        if (lease.isPresent()) {
          LOG.info("{} is owned from here again, token {}", order.name(), lease.get().token());
          return Optional.of(lease.get()::close);
        }
        if (System.nanoTime() > deadline) {
          return Optional.empty();
        }
      } catch (OwnershipException e) {
        // Nothing is certain without the witness: the gates stay, and nobody is ended.
        LOG.warn("{}: {}", order.name(), e.getMessage());
        deadline = deadlineNanos(3);
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  private Optional<KeeperOutcome> undo() {
    // A guest that stands still need not wait until its frames are out, nor they for it.
    owned.countDown();
    CompletableFuture<Void> running = leavings.thenRunAsync(this::letIn, this::startSeeing);
    frames().letOut();
    try {
      running.join();
      leavings.join().undo().forEach(line -> LOG.info("undone: {}", line));
      return Optional.empty();
    } catch (CompletionException e) {
      letIn();
      return Optional.of(lost(String.valueOf(e.getCause())));
    } catch (HypervisorException e) {
      return Optional.of(lost(String.valueOf(e.getMessage())));
    }
  }

  /**
   * Frames for the guest: where its hypervisor would have lost them, it says by now that the guest
   * runs, or it does not answer.
   */
  private void letIn() {
    frames().letIn();
  }

  private void startSeeing(Runnable task) {
    Thread.ofVirtual().name("leavings-" + order.name()).start(task);
  }

  private static KeeperOutcome lost(String reason) {
    return new KeeperOutcome(
        "LOST", "the keeper died, and the hypervisor does not answer: " + reason);
  }

  private KeeperOutcome endHere() {
    boolean gone = isGuestGone();
    frames().drop();
    closeLeavings();
    endGuest();
    frames().removeWhenEnded();
    return gone
        ? new KeeperOutcome(
            "HANDED_OVER", "the keeper and the guest's hypervisor died: the standby takes over")
        : new KeeperOutcome("FENCED", "the keeper died, and the standby has taken the guest over");
  }

  /**
   * Also where it is gone: its supervisor may have started it anew, and a domain of Xen is there
   * without its device model.
   */
  private void endGuest() {
    try {
      guest().end();
    } catch (HypervisorException e) {
      LOG.info(
          "the hypervisor of {} is gone already, or does not answer: {}",
          order.name(),
          e.getMessage());
    }
  }

  private LeftFrames frames() {
    return new LeftFrames(VmIdentity.of(order.name()));
  }

  private GuestReference guest() {
    return GuestReference.parse(order.guest());
  }
}
