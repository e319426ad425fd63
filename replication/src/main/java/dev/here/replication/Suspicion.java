package dev.here.replication;

import dev.here.hypervisor.GuestProgress;

/**
 * Tells crash, hang, a dead peer and a partition apart, from what was seen and when. Pure: it knows
 * no clock and no thread, every method is given the monotonic time, which never falls.
 *
 * <p>The guest's own progress is the heartbeat. A hypervisor that answers while its guest stands
 * still is hung; an idle guest whose next timer is not overdue is alive; a guest that is paused for
 * a checkpoint may stand still for a while.
 *
 * <pre>
 *   guest:  HEALTHY --process ended--> GUEST_CRASHED
 *           HEALTHY --no answer / no progress / paused, for too long--> GUEST_HUNG --progress--> HEALTHY
 *   peer:   HEALTHY --silent--> PEER_SILENT --third party: owner gone--> PEER_GONE
 *                                           --third party: owner renews--> PARTITIONED
 *                                           --third party silent--> ISOLATED
 *           any of these --peer heard--> HEALTHY
 * </pre>
 *
 * What concerns the guest comes before what concerns the peer. Not thread-safe.
 */
public final class Suspicion {
  /**
   * When to become suspicious.
   *
   * @param silentNanos a hypervisor that gives no answer
   * @param stalledNanos a guest that should run and does not get on
   * @param pausedNanos a guest that is paused
   * @param peerSilentNanos a peer that is not heard
   */
  public record Limits(
      long silentNanos, long stalledNanos, long pausedNanos, long peerSilentNanos) {
    public Limits {
      if (Math.min(Math.min(silentNanos, stalledNanos), Math.min(pausedNanos, peerSilentNanos))
          <= 0) {
        throw new IllegalArgumentException("a limit for suspicion must be more than 0 ns");
      }
    }
  }

  /** What the third party says about the peer. */
  public enum WitnessView {
    /** It does not answer. */
    UNREACHABLE,
    /** The peer's lease is renewed. */
    OWNER_RENEWS,
    /** The peer does not own the VM any more. */
    OWNER_GONE
  }

  private enum Peer {
    HEARD,
    CLOSED
  }

  private final Limits limits;
  private boolean guestWatched;
  private boolean ended;
  private long reportedNanos;
  private long answeredNanos;
  private long progressedNanos;
  private long runningSinceNanos;
  private long executedNanos = -1;
  private boolean paused;
  private boolean peerWatched;
  private Peer peer = Peer.HEARD;
  private long peerHeardNanos;
  private boolean witnessAsked;
  private WitnessView witness = WitnessView.UNREACHABLE;

  public Suspicion(Limits limits) {
    this.limits = limits;
  }

  /** The guest's hypervisor was asked, and answered as {@code progress} says (or did not). */
  public void progress(long nowNanos, GuestProgress progress) {
    if (!guestWatched) {
      guestWatched = true;
      answeredNanos = nowNanos;
      progressedNanos = nowNanos;
      runningSinceNanos = nowNanos;
    }
    reportedNanos = nowNanos;
    if (!progress.alive()) {
      return;
    }
    answeredNanos = nowNanos;
    if (progress.executedNanos() != executedNanos || progress.idle()) {
      executedNanos = progress.executedNanos();
      progressedNanos = nowNanos;
    }
    if (!progress.paused()) {
      if (paused) {
        // Time in a pause does not count as standing still.
        progressedNanos = nowNanos;
      }
      runningSinceNanos = nowNanos;
    }
    paused = progress.paused();
  }

  /** The hypervisor's process or its connection has ended. */
  public void hypervisorEnded() {
    ended = true;
  }

  /** Something came from the peer. */
  public void peerHeard(long nowNanos) {
    peerWatched = true;
    peerHeardNanos = nowNanos;
    peer = Peer.HEARD;
    witnessAsked = false;
  }

  /** The peer's connection was closed by its side: it need not be waited for. */
  public void peerClosed() {
    if (peerWatched) {
      peer = Peer.CLOSED;
    }
  }

  /** The third party was asked about the peer. */
  public void witness(WitnessView view) {
    witnessAsked = true;
    witness = view;
  }

  /** What is wrong at {@code nowNanos}. */
  public Verdict verdict(long nowNanos) {
    if (ended) {
      return Verdict.GUEST_CRASHED;
    }
    if (guestWatched && guestHung()) {
      return Verdict.GUEST_HUNG;
    }
    if (!peerIsSilent(nowNanos)) {
      return Verdict.HEALTHY;
    }
    if (!witnessAsked) {
      return Verdict.PEER_SILENT;
    }
    return switch (witness) {
      case UNREACHABLE -> Verdict.ISOLATED;
      case OWNER_RENEWS -> Verdict.PARTITIONED;
      case OWNER_GONE -> Verdict.PEER_GONE;
    };
  }

  /**
   * Judged at the last report: where reports stop coming at all, it is the peer who brought them
   * that is missed.
   */
  private boolean guestHung() {
    if (reportedNanos - answeredNanos > limits.silentNanos()) {
      return true;
    }
    return paused
        ? reportedNanos - runningSinceNanos > limits.pausedNanos()
        : reportedNanos - progressedNanos > limits.stalledNanos();
  }

  /** The peer was heard once and is not any more, whatever the guest's last report said. */
  public boolean peerIsSilent(long nowNanos) {
    return peerWatched
        && (peer == Peer.CLOSED || nowNanos - peerHeardNanos > limits.peerSilentNanos());
  }
}
