package dev.here.host;

import dev.here.hypervisor.HypervisorException;
import dev.here.replication.Halt;
import dev.here.replication.Lease;
import dev.here.replication.Ownership;
import dev.here.replication.OwnershipException;
import dev.here.replication.ProtectionState;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
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
 *      │                        │               └► another host has had it: the guest is ended
 *      │                        └──another keeper is at work: it has the guest
 *      └─► its hypervisor died, too, and the standby may take over: it does
 * </pre>
 *
 * Nothing of a guest that is left to the standby leaves here any more: its frames are dropped.
 * Nothing is ended because time has passed: only when the witness's record says that another host
 * has been owner since. Then it is not said to be ended before it is.
 *
 * <p>A new lease refuses take-over from its beginning ({@link Ownership#acquire}), and has a token
 * that the standby's checkpoints do not carry.
 */
final class KeeperRevival {
  private static final Logger LOG = LoggerFactory.getLogger(KeeperRevival.class);
  private static final long POLL_MILLIS = 20;

  /** For so long the lease is made certain first, which the guest's frames wait for. */
  private static final long LEASE_FIRST_MILLIS = 300;

  /** A guest that does not end is ended again after so long. */
  private static final long END_AGAIN_MILLIS = 1000;

  private final ProtectOrder order;
  private final Optional<LeaseMark> mark;
  private final Supplier<HostOwnership> places;
  private final LeftGuest guest;
  private final LeftNetwork network;
  private final BooleanSupplier otherKeeper;
  private final CountDownLatch owned = new CountDownLatch(1);
  private final CompletableFuture<GuestReference.Leavings> leavings = new CompletableFuture<>();
  private volatile String doing = "the guest's network is being restored";

  /**
   * @param order the dead keeper's
   * @param mark of its lease; empty when it had none
   * @param places this daemon's own connection to the witness
   * @param otherKeeper whether another keeper has come in its place
   */
  KeeperRevival(
      ProtectOrder order,
      Optional<LeaseMark> mark,
      Supplier<HostOwnership> places,
      LeftGuest guest,
      LeftNetwork network,
      BooleanSupplier otherKeeper) {
    this.order = order;
    this.mark = mark;
    this.places = places;
    this.guest = guest;
    this.network = network;
    this.otherKeeper = otherKeeper;
  }

  /** Of a keeper of this host; {@code witness} is this daemon's own connection. */
  static KeeperRevival of(KeeperProcess keeper, WitnessConnection witness) {
    ProtectOrder order = keeper.order();
    UUID vm = VmIdentity.of(order.name());
    var frames = new LeftFrames(vm);
    return new KeeperRevival(
        order,
        LeaseMark.read(keeper.folder()),
        () -> witness.place(vm, order.host()),
        new GuestOfDeadKeeper(GuestReference.parse(order.guest()), keeper.folder(), frames),
        frames,
        keeper::hasOther);
  }

  /** What is being done, in some words for the user. */
  String doing() {
    return doing;
  }

  /**
   * Returns how the protection ended; empty when the guest goes on here, ready for a new keeper or
   * with another one.
   */
  Optional<KeeperOutcome> revive() throws InterruptedException {
    leavings.completeAsync(Halt.guardSupply(this::findLeavings), this::startSeeing);
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
    return guest.leavings();
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
  private boolean isForStandby(HostOwnership ownership) {
    return mark.isPresent() && guest.isGone() && ownership.mayBeTakenOver(mark.get().token());
  }

  /** The gates are open, or the hypervisor is lost. */
  private record Revived(Optional<KeeperOutcome> outcome) {}

  /** Empty when the dead keeper's lease cannot be had so: nothing was touched then. */
  private Optional<Revived> inherit(long token) throws InterruptedException {
    try (HostOwnership ownership = places.get()) {
      long deadline = System.nanoTime() + 1_000_000L * leaseMillis();
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
    try (HostOwnership ownership = places.get()) {
      while (true) {
        try {
          Optional<Revived> revived = tryLease(ownership);
          if (revived.isPresent()) {
            return revived.get().outcome();
          }
          doing = "what the guest sends is held: " + waitsFor(ownership.lastRecord());
        } catch (OwnershipException e) {
          // Nothing is certain without the witness: the gates stay, and nobody is ended.
          LOG.warn("{}: {}", order.name(), e.getMessage());
          doing =
              "what the guest sends is held, because the witness says nothing: " + e.getMessage();
        }
        Thread.sleep(POLL_MILLIS);
      }
    }
  }

  private String waitsFor(Optional<OwnershipRecord> last) {
    if (last.isEmpty()) {
      return "the witness knows nothing of the VM any more; has it lost its data?";
    }
    if (mark.filter(own -> own.token() > last.get().token()).isPresent()) {
      return "the witness has token %d of %s, before the keeper's %d; has it lost its last writes?"
          .formatted(last.get().token(), last.get().host(), mark.get().token());
    }
    return "the lease with token %d of %s at the witness has to end first"
        .formatted(last.get().token(), last.get().host());
  }

  private int leaseMillis() {
    return Keeper.leaseMillis(order.suspectAfterMillis());
  }

  /** Empty as long as nothing can be done: nothing was touched then. */
  private Optional<Revived> tryLease(HostOwnership ownership) throws InterruptedException {
    if (otherKeeper.getAsBoolean()) {
      LOG.info("{}: another keeper is at work", order.name());
      return Optional.of(new Revived(Optional.empty()));
    }
    if (isForStandby(ownership)) {
      return Optional.of(new Revived(Optional.of(endHere())));
    }
    Optional<OwnershipRecord> elsewhere = ownership.lastRecord().filter(this::isOfAnotherHost);
    if (elsewhere.isPresent()) {
      return Optional.of(new Revived(Optional.of(leaveTo(elsewhere.get()))));
    }
    if (ownership.isHeldBySession()) {
      LOG.info("{} is owned from here: its keeper died before it had the lease", order.name());
      return Optional.of(new Revived(undo()));
    }
    Optional<Lease> lease =
        mark.isPresent() ? ownership.regainSince(mark.get().token()) : ownership.regain();
    if (lease.isEmpty()) {
      return Optional.empty();
    }
    LOG.info("{} is owned from here again, token {}", order.name(), lease.get().token());
    try (Lease held = lease.get()) {
      return Optional.of(new Revived(undo()));
    }
  }

  /** A host that had the VM after the dead keeper; of one that had no lease, before it. */
  private boolean isOfAnotherHost(OwnershipRecord last) {
    return mark.map(own -> last.token() > own.token() && !last.staysOn(order.host(), own.token()))
        .orElse(!last.host().equals(order.host()));
  }

  /** A keeper that never had a lease has done nothing to the guest, and neither does this. */
  private KeeperOutcome leaveTo(OwnershipRecord last) throws InterruptedException {
    return mark.isPresent()
        ? endHere()
        : new KeeperOutcome(
            "FAILED",
            "the keeper died before it owned the VM, which %s has: make sure that it does not run there too"
                .formatted(last.host()));
  }

  private Optional<KeeperOutcome> undo() {
    // A guest that stands still need not wait until its frames are out, nor they for it.
    owned.countDown();
    CompletableFuture<Void> running =
        leavings.thenRunAsync(Halt.guard(this::letIn), this::startSeeing);
    network.letOut();
    try {
      running.join();
      leavings.join().undo().forEach(line -> LOG.info("undone: {}", line));
      return Optional.empty();
    } catch (CompletionException e) {
      letIn();
      return Optional.of(lost(told(e)));
    } catch (HypervisorException e) {
      return Optional.of(lost(String.valueOf(e.getMessage())));
    }
  }

  /**
   * Frames for the guest: where its hypervisor would have lost them, it says by now that the guest
   * runs, or it does not answer.
   */
  private void letIn() {
    network.letIn();
  }

  private void startSeeing(Runnable task) {
    Thread.ofVirtual().name("leavings-" + order.name()).start(task);
  }

  private static String told(CompletionException failure) {
    Throwable cause = failure.getCause();
    return cause instanceof HypervisorException ? String.valueOf(cause.getMessage()) : "" + cause;
  }

  /** One that hangs may go on: then it is protected again. */
  private KeeperOutcome lost(String reason) {
    return guest.isGone()
        ? new KeeperOutcome("LOST", "the keeper died, and the guest's hypervisor: " + reason)
        : new KeeperOutcome(
            ProtectionState.FAILED.name(),
            "the keeper died, and the guest's hypervisor does not answer: " + reason,
            true);
  }

  private KeeperOutcome endHere() throws InterruptedException {
    boolean gone = guest.isGone();
    network.drop();
    closeLeavings();
    while (!guest.end()) {
      doing = "its frames are dropped, and it is being ended here: another host has it";
      LOG.error("the guest of {} does not end here; its frames are dropped", order.name());
      Thread.sleep(END_AGAIN_MILLIS);
    }
    network.removeWhenEnded();
    return gone
        ? new KeeperOutcome(
            "HANDED_OVER", "the keeper and the guest's hypervisor died: the standby takes over")
        : new KeeperOutcome("FENCED", "the keeper died, and the standby has taken the guest over");
  }
}
