package dev.here.replication;

import dev.here.formats.wire.Message;
import dev.here.hypervisor.GuestProgress;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Decides, on a standby, whether and when its guest goes on here. A state machine without thread or
 * clock of its own: {@link #step} is called often, with the monotonic time.
 *
 * <pre>
 *   WATCHING ──peer silent, connection closed──► SUSPECTING ──lease granted──────► ACTIVATING ─► RUNNING
 *      │  ▲                                        │    │                              │
 *      │  └──────────── peer heard ────────────────┘    └─ no witness: alarm only      └─► FAILED
 *      ├──primary gives up (crash, hang, switchover)──► ACQUIRING ──lease granted──► ACTIVATING
 *      └──primary ends protection──► RELEASED
 * </pre>
 *
 * The lease decides everything: without it nothing is started, and it is granted only when the
 * owner whose checkpoints are here has given it up or let it run out. Without a witness the loss of
 * a peer only alarms. Fencing comes after the grant: before it, the one to be fenced may be the
 * rightful owner. One thread; what it stands at may be read by others.
 */
public final class Failover {
  private final Optional<Ownership> ownership;
  private final LongSupplier predecessorToken;
  private final FailoverActions actions;
  private final Suspicion suspicion;
  private final long retryNanos;
  private volatile FailoverState state = FailoverState.WATCHING;
  private volatile Verdict verdict = Verdict.HEALTHY;
  private volatile String reason = "";
  private boolean heardEver;
  private long heardNanos;
  private long decidedNanos;
  private long nextAttemptNanos = Long.MIN_VALUE;

  /**
   * @param ownership the third party; empty when there is none, then nothing is promoted
   * @param predecessorToken fencing token of the primary whose checkpoint is committed here
   * @param actions done on the host
   * @param limits when to become suspicious
   * @param retryNanos pause between attempts to get the lease
   */
  public Failover(
      Optional<Ownership> ownership,
      LongSupplier predecessorToken,
      FailoverActions actions,
      Suspicion.Limits limits,
      long retryNanos) {
    this.ownership = ownership;
    this.predecessorToken = predecessorToken;
    this.actions = actions;
    this.suspicion = new Suspicion(limits);
    this.retryNanos = retryNanos;
  }

  public FailoverState state() {
    return state;
  }

  /** What is wrong; HEALTHY when nothing is. */
  public Verdict verdict() {
    return verdict;
  }

  /** Why it stands where it stands; empty when there is nothing to say. */
  public String reason() {
    return reason;
  }

  /** The guest's heartbeat came from the primary. */
  public void heard(long nowNanos, Message.Progress progress) {
    suspicion.peerHeard(nowNanos);
    suspicion.progress(
        nowNanos,
        new GuestProgress(
            progress.alive(), progress.paused(), progress.executedNanos(), progress.idle()));
    heardEver = true;
    heardNanos = nowNanos;
  }

  /** The primary's connections have ended without a goodbye. */
  public void disconnected() {
    suspicion.peerClosed();
  }

  /** The primary has ended the session. */
  public void goodbye(long nowNanos, Message.Goodbye goodbye) {
    if (state != FailoverState.WATCHING && state != FailoverState.SUSPECTING) {
      return;
    }
    switch (goodbye.ending()) {
      case UNPROTECT -> enter(FailoverState.RELEASED, Verdict.HEALTHY, goodbye.reason());
      case SWITCHOVER -> decide(nowNanos, Verdict.HEALTHY, goodbye.reason());
      case CRASHED -> decide(nowNanos, Verdict.GUEST_CRASHED, goodbye.reason());
      case HUNG -> decide(nowNanos, Verdict.GUEST_HUNG, goodbye.reason());
    }
  }

  /** The user wants the guest here: it is started as soon as the lease can be had. */
  public void command(long nowNanos) {
    if (state == FailoverState.WATCHING || state == FailoverState.SUSPECTING) {
      decide(nowNanos, verdict, "by command");
    }
  }

  private void decide(long nowNanos, Verdict cause, String why) {
    decidedNanos = nowNanos;
    nextAttemptNanos = nowNanos;
    enter(FailoverState.ACQUIRING, cause, why);
  }

  /** Does what is due at {@code nowNanos}. */
  public void step(long nowNanos) {
    switch (state) {
      case WATCHING -> watch(nowNanos);
      case SUSPECTING -> suspect(nowNanos);
      case ACQUIRING -> attempt(nowNanos);
      case ACTIVATING, RUNNING, RELEASED, FAILED -> {
        // Nothing is due any more.
      }
    }
  }

  private void watch(long nowNanos) {
    if (suspicion.peerIsSilent(nowNanos)) {
      decidedNanos = nowNanos;
      nextAttemptNanos = nowNanos;
      enter(FailoverState.SUSPECTING, Verdict.PEER_SILENT, "the primary is not heard");
      attempt(nowNanos);
    } else {
      // A crash or a hang is for the primary's keeper to end; it says goodbye when it has.
      verdict = suspicion.verdict(nowNanos);
    }
  }

  private void suspect(long nowNanos) {
    if (suspicion.peerIsSilent(nowNanos)) {
      attempt(nowNanos);
    } else {
      enter(FailoverState.WATCHING, suspicion.verdict(nowNanos), "");
    }
  }

  private void attempt(long nowNanos) {
    if (nowNanos < nextAttemptNanos) {
      return;
    }
    nextAttemptNanos = nowNanos + retryNanos;
    if (ownership.isEmpty()) {
      enter(state, verdict, "there is no witness: nothing is promoted without one");
      return;
    }
    Optional<Lease> lease;
    try {
      lease = ownership.get().takeOver(predecessorToken.getAsLong());
    } catch (OwnershipException e) {
      suspicion.witness(Suspicion.WitnessView.UNREACHABLE);
      enter(state, cause(Verdict.ISOLATED), "the witness does not answer: " + e.getMessage());
      return;
    }
    if (lease.isEmpty()) {
      suspicion.witness(Suspicion.WitnessView.OWNER_RENEWS);
      enter(state, cause(Verdict.PARTITIONED), "the witness does not grant the VM");
      return;
    }
    suspicion.witness(Suspicion.WitnessView.OWNER_GONE);
    activate(nowNanos, lease.get());
  }

  private Verdict cause(Verdict ofSilence) {
    return state == FailoverState.ACQUIRING ? verdict : ofSilence;
  }

  private void activate(long nowNanos, Lease lease) {
    Verdict cause = cause(Verdict.PEER_GONE);
    String why = reason;
    enter(FailoverState.ACTIVATING, cause, why);
    long grantedNanos = System.nanoTime();
    actions.fence(cause);
    long fencedNanos = System.nanoTime();
    long epoch;
    try {
      epoch = actions.activate(lease);
    } catch (RuntimeException e) {
      lease.close();
      enter(FailoverState.FAILED, cause, "the guest could not be started: " + e.getMessage());
      return;
    }
    FailoverTimes times =
        new FailoverTimes(
            heardEver ? Math.max(0, decidedNanos - heardNanos) : 0,
            nowNanos - decidedNanos,
            fencedNanos - grantedNanos,
            System.nanoTime() - fencedNanos);
    enter(FailoverState.RUNNING, cause, why);
    actions.announce(epoch, times);
  }

  private void enter(FailoverState next, Verdict what, String why) {
    boolean same = next == state && what == verdict && why.equals(reason);
    state = next;
    verdict = what;
    reason = why;
    if (!same) {
      actions.changed(next, what, why);
    }
  }
}
