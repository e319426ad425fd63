package dev.here.host;

import dev.here.host.WitnessNodes.Node;
import dev.here.replication.Halt;
import dev.here.replication.Lease;
import dev.here.replication.LeaseClock;
import dev.here.replication.OwnershipException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A lease in Apache ZooKeeper: docs/specs/ownership.md.
 *
 * <pre>
 *   granted ──► HELD ──token moved on──► LOST, or REPLACED where this host has the next one
 *                │
 *                ├──closed──► LEAVING ──owner node gone──► GONE
 *   no answer ───────────────►   │
 *                └──connection closed────────────────────► GONE
 * </pre>
 *
 * It is renewed by reading its own owner node within its own session, which also keeps the session
 * alive; the clock counts from the moment at which that was sent. The witness ends a session at the
 * earliest its whole length after it has received something. In an ensemble its leader hears of
 * that up to half a tick later than the server that was asked, and a session lasts two ticks at
 * least; so three quarters of its length are relied on, less a tenth for clocks that run unequally.
 *
 * <p><b>A session that has expired</b> ends the validity, not the tenure. If the record still
 * carries this lease's token, nobody has been owner since, and whoever wants to be must change the
 * record and create the owner node in one transaction. So the same lease, <em>with the same
 * token</em>, is taken again by one transaction too: the record's version is unchanged, and the
 * owner node is created anew. One of the two fails. The same token is right because the guest, its
 * standby's checkpoints and whether take-over is allowed are still those of this tenure; a new
 * token would cut off the standby, which can only follow the token that it knows. Until the
 * transaction is acknowledged nothing may be released. A record that is missing, or has a lower
 * token, means that the witness has lost its data: the lease then is neither valid nor lost, and
 * frames stay held until the user decides.
 */
final class ZooKeeperLease implements Lease {
  private static final Logger LOG = LoggerFactory.getLogger(ZooKeeperLease.class);
  private static final int DRIFT_PERCENT = 10;

  private enum Standing {
    HELD,
    LOST,
    REPLACED,
    LEAVING,
    GONE
  }

  private final WitnessConnection witness;
  private final ZooKeeperOwnership place;
  private final OwnershipRecord record;
  private volatile LeaseClock clock = new LeaseClock(1, 0);
  private volatile Standing standing = Standing.LEAVING;
  private int clockMillis;
  private CompletableFuture<?> underWay = CompletableFuture.completedFuture(null);
  private long askedNanos;

  ZooKeeperLease(WitnessConnection witness, ZooKeeperOwnership place, OwnershipRecord record) {
    this.witness = witness;
    this.place = place;
    this.record = record;
  }

  /** The witness has granted it, asked at {@code sentNanos}. */
  synchronized void granted(WitnessNodes nodes, long sentNanos) {
    standing = Standing.HELD;
    renewed(nodes, sentNanos);
    witness.keep(this);
  }

  /** It is unknown whether it was granted: then it is given up. */
  void abandon() {
    witness.keep(this);
  }

  @Override
  public long token() {
    return record.token();
  }

  @Override
  public boolean mayRelease() {
    return standing == Standing.HELD && clock.isValid(System.nanoTime());
  }

  @Override
  public long releasableUntilNanos() {
    long nowNanos = System.nanoTime();
    return standing == Standing.HELD ? clock.validUntilNanos(nowNanos) : nowNanos;
  }

  @Override
  public boolean isLost() {
    return standing == Standing.LOST || isReplaced();
  }

  @Override
  public boolean isReplaced() {
    return standing == Standing.REPLACED;
  }

  /** Asks the witness for what is due; does not wait for the answer. */
  synchronized void renew() {
    long nowNanos = System.nanoTime();
    boolean waiting = nowNanos - askedNanos < WitnessConnection.ANSWER_NANOS;
    if (!underWay.isDone() && waiting) {
      return;
    }
    askedNanos = nowNanos;
    WitnessNodes nodes = witness.nodes();
    switch (standing) {
      case HELD -> underWay = confirm(nodes, nowNanos);
      case LEAVING -> underWay = leave(nodes);
      case LOST, REPLACED, GONE -> witness.forget(this);
    }
  }

  private CompletableFuture<?> confirm(WitnessNodes nodes, long sentNanos) {
    return nodes
        .readConfirmed(place.ownerPath())
        .thenApply(owner -> isOurs(nodes, owner))
        .exceptionally(this::absent)
        .thenCompose(ours -> {
          if (ours) {
            renewed(nodes, sentNanos);
            return CompletableFuture.completedFuture(null);
          }
          return nodes.readConfirmed(place.recordPath()).thenCompose(node -> examine(nodes, node));
        })
        .handle(this::conclude);
  }

  private boolean isOurs(WitnessNodes nodes, Node owner) {
    return owner.ephemeralOwner() != 0
        && owner.ephemeralOwner() == nodes.sessionId()
        && OwnershipRecord.leaseToken(owner.path(), owner.octets()) == token();
  }

  private boolean absent(Throwable failure) {
    if (WitnessNodes.refusal(failure) instanceof KeeperException.NoNodeException) {
      return false;
    }
    throw new OwnershipException("lease %d is not confirmed".formatted(token()), failure);
  }

  /** Nothing is concluded from an answer that is missing: the clock runs. */
  private boolean conclude(@Nullable Object answer, @Nullable Throwable failure) {
    if (failure != null) {
      Halt.ifBecause(failure);
      LOG.debug("lease {} of {} is not confirmed", token(), place.recordPath(), failure);
    }
    return failure == null;
  }

  private CompletableFuture<?> examine(WitnessNodes nodes, Node node) {
    OwnershipRecord last = OwnershipRecord.decode(node.path(), node.octets());
    if (last.token() > token()) {
      lost(last);
    } else if (isTenure(last)) {
      return takeAgain(nodes, node.version());
    }
    return CompletableFuture.completedFuture(null);
  }

  private boolean isTenure(OwnershipRecord last) {
    return last.token() == token() && last.claim().equals(record.claim());
  }

  private synchronized void lost(OwnershipRecord successor) {
    if (standing == Standing.HELD) {
      boolean here = successor.staysOn(record.host(), token());
      standing = here ? Standing.REPLACED : Standing.LOST;
      clock.ended();
      LOG.warn(
          "lease {} of {} is lost: {} owns it with {}",
          token(),
          place.recordPath(),
          successor.host(),
          successor.token());
    }
  }

  /** Sent under the lock, so that what {@link #close} sends comes after it. */
  private synchronized CompletableFuture<?> takeAgain(WitnessNodes nodes, int version) {
    if (standing != Standing.HELD) {
      return CompletableFuture.completedFuture(null);
    }
    long sentNanos = System.nanoTime();
    return nodes
        .transact(List.of(Op.check(place.recordPath(), version), place.ownerNode(record)))
        .thenAccept(done -> renewed(nodes, sentNanos));
  }

  private synchronized void renewed(WitnessNodes nodes, long sentNanos) {
    if (standing != Standing.HELD) {
      return;
    }
    int sessionMillis = nodes.sessionMillis();
    if (sessionMillis != clockMillis) {
      clockMillis = sessionMillis;
      clock = new LeaseClock(sessionMillis * 750_000L, DRIFT_PERCENT);
    }
    clock.renewed(sentNanos);
  }

  @Override
  public void allowTakeOver(boolean allowed) {
    long deadlineNanos = System.nanoTime() + WitnessConnection.ANSWER_NANOS;
    WitnessNodes nodes = witness.nodes();
    try {
      while (!written(nodes, allowed, deadlineNanos)) {
        LOG.debug("record of {} was written at the same time", place.recordPath());
      }
    } catch (KeeperException e) {
      throw new OwnershipException(
          "it is not certain that take-over is %s for %s: %s"
              .formatted(allowed ? "allowed" : "refused", place.recordPath(), e.getMessage()),
          e);
    }
  }

  /**
   * Written even if it reads so already: an earlier write, given up and still on its way, must find
   * another version than its own.
   */
  private boolean written(WitnessNodes nodes, boolean allowed, long deadlineNanos)
      throws KeeperException {
    if (standing != Standing.HELD) {
      throw new OwnershipException("the lease with token %d has ended".formatted(token()));
    }
    try {
      Node node = WitnessNodes.await(nodes.read(place.recordPath()), deadlineNanos);
      OwnershipRecord last = OwnershipRecord.decode(node.path(), node.octets());
      if (!isTenure(last)) {
        throw new OwnershipException(
            "the lease with token %d has ended: the last is %d".formatted(token(), last.token()));
      }
      Op write = Op.setData(place.recordPath(), last.allowing(allowed).encoded(), node.version());
      WitnessNodes.await(
          nodes.transact(List.of(Op.check(place.ownerPath(), -1), write)), deadlineNanos);
      return true;
    } catch (KeeperException.BadVersionException e) {
      return false;
    }
  }

  @Override
  public void close() {
    CompletableFuture<?> left;
    synchronized (this) {
      if (standing == Standing.GONE || isLost()) {
        return;
      }
      standing = Standing.LEAVING;
      clock.ended();
      left = leave(witness.nodes());
    }
    try {
      WitnessNodes.await(left, System.nanoTime() + WitnessConnection.ANSWER_NANOS);
    } catch (KeeperException | OwnershipException e) {
      LOG.info(
          "lease {} of {} is given up when the witness answers, or runs out: {}",
          token(),
          place.recordPath(),
          e.getMessage());
    }
  }

  /** Removes the owner node if it is ours; repeated until it is certain. */
  private CompletableFuture<?> leave(WitnessNodes nodes) {
    return nodes
        .readConfirmed(place.recordPath())
        .thenCompose(node -> {
          if (!isTenure(OwnershipRecord.decode(node.path(), node.octets()))) {
            return CompletableFuture.completedFuture(null);
          }
          return nodes.transact(
              List.of(
                  Op.check(place.recordPath(), node.version()), Op.delete(place.ownerPath(), -1)));
        })
        .handle((done, failure) -> {
          if (failure != null && !isNoNode(failure)) {
            Halt.ifBecause(failure);
            throw new OwnershipException("not given up yet", failure);
          }
          standing = Standing.GONE;
          return true;
        });
  }

  private static boolean isNoNode(Throwable failure) {
    return WitnessNodes.refusal(failure) instanceof KeeperException refused
        && refused.code() == Code.NONODE;
  }

  /** The session ends, and the owner node with it. */
  synchronized void end() {
    if (standing != Standing.LOST) {
      standing = Standing.GONE;
    }
    clock.ended();
  }
}
