package dev.here.host;

import dev.here.host.WitnessNodes.Node;
import dev.here.replication.Lease;
import dev.here.replication.OwnershipException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooDefs;
import org.jspecify.annotations.Nullable;

/**
 * Ownership of one VM in Apache ZooKeeper: docs/specs/ownership.md. A persistent record holds the
 * last token and whether take-over is allowed; an ephemeral node beside it exists as long as the
 * owner's session. A grant is one transaction that checks the record's version, raises the token
 * and creates the owner node, so of several hosts that try, one gets it.
 *
 * <p>An answer may be lost when the grant was made. Then the call fails, the owner node is removed
 * in the background, and the record names this object's <em>claim</em>: a take-over repeated for
 * the same predecessor is granted again, with a further token, because nobody else has been owner
 * in between and the token before was never used.
 */
final class ZooKeeperOwnership implements HostOwnership {
  private static final String ROOT = "/here";

  private final WitnessConnection witness;
  private final String recordPath;
  private final String ownerPath;
  private final String host;
  private @Nullable ZooKeeperLease granted;
  private UUID claim = UUID.randomUUID();
  private OptionalLong claimed = OptionalLong.empty();

  ZooKeeperOwnership(WitnessConnection witness, UUID vm, String host) {
    this.witness = witness;
    this.host = host;
    recordPath = ROOT + "/" + vm;
    ownerPath = recordPath + "/owner";
  }

  String recordPath() {
    return recordPath;
  }

  String ownerPath() {
    return ownerPath;
  }

  @Override
  public Optional<Lease> acquire() {
    return grant(OptionalLong.empty(), record -> true);
  }

  @Override
  public Optional<Lease> takeOver(long predecessorToken) {
    return grant(OptionalLong.of(predecessorToken), record -> mayFollow(record, predecessorToken));
  }

  @Override
  public Optional<Lease> regain() {
    return grant(OptionalLong.empty(), record -> record.host().equals(host));
  }

  @Override
  public Optional<Lease> regainSince(long earlier) {
    return grant(OptionalLong.of(earlier), record -> record.staysOn(host, earlier));
  }

  /**
   * {@inheritDoc} One transaction raises the token and replaces the owner node, so nobody comes
   * between. Works as well when that process's session has just ended.
   */
  @Override
  public Optional<Lease> inherit(long token) {
    long deadlineNanos = System.nanoTime() + WitnessConnection.ANSWER_NANOS;
    WitnessNodes nodes = witness.nodes();
    try {
      CompletableFuture<Node> ownerAnswer = nodes.read(ownerPath);
      Optional<Node> last = read(nodes, recordPath, deadlineNanos);
      Optional<Node> owner = present(ownerAnswer, deadlineNanos);
      if (last.isEmpty()) {
        return Optional.empty();
      }
      OwnershipRecord record = OwnershipRecord.decode(recordPath, last.get().octets());
      if (record.token() != token || !record.host().equals(host)) {
        return Optional.empty();
      }
      OwnershipRecord next = record.next(claim, host);
      List<Op> steps = new ArrayList<>();
      steps.add(Op.setData(recordPath, next.encoded(), last.get().version()));
      owner.ifPresent(node -> steps.add(Op.delete(ownerPath, node.version())));
      return attempt(nodes, next, steps, deadlineNanos);
    } catch (KeeperException e) {
      throw new OwnershipException(
          "the witness does not answer for %s: %s".formatted(recordPath, e.getMessage()), e);
    }
  }

  /** {@inheritDoc} The owner node is of this connection's session then. */
  @Override
  public boolean isHeldBySession() {
    long deadlineNanos = System.nanoTime() + WitnessConnection.ANSWER_NANOS;
    WitnessNodes nodes = witness.nodes();
    try {
      return WitnessNodes.await(nodes.readConfirmed(ownerPath), deadlineNanos).ephemeralOwner()
          == nodes.sessionId();
    } catch (KeeperException.NoNodeException e) {
      return false;
    } catch (KeeperException e) {
      throw new OwnershipException(
          "the witness does not answer for %s: %s".formatted(recordPath, e.getMessage()), e);
    }
  }

  @Override
  public boolean mayBeTakenOver(long token) {
    return lastRecord()
        .filter(record -> record.token() == token && record.takeOverAllowed())
        .isPresent();
  }

  @Override
  public Optional<OwnershipRecord> lastRecord() {
    try {
      long deadlineNanos = System.nanoTime() + WitnessConnection.ANSWER_NANOS;
      return present(witness.nodes().readConfirmed(recordPath), deadlineNanos)
          .map(node -> OwnershipRecord.decode(recordPath, node.octets()));
    } catch (KeeperException e) {
      throw new OwnershipException(
          "the witness does not answer for %s: %s".formatted(recordPath, e.getMessage()), e);
    }
  }

  private Optional<Lease> grant(OptionalLong predecessor, Predicate<OwnershipRecord> allows) {
    if (!claimed.equals(predecessor)) {
      claim = UUID.randomUUID();
      claimed = predecessor;
    }
    long deadlineNanos = System.nanoTime() + WitnessConnection.ANSWER_NANOS;
    WitnessNodes nodes = witness.nodes();
    try {
      if (read(nodes, ownerPath, deadlineNanos).isPresent()) {
        return Optional.empty();
      }
      Optional<Node> last = read(nodes, recordPath, deadlineNanos);
      if (last.isEmpty()) {
        return predecessor.isPresent() ? Optional.empty() : first(nodes, deadlineNanos);
      }
      OwnershipRecord record = OwnershipRecord.decode(recordPath, last.get().octets());
      if (!allows.test(record)) {
        return Optional.empty();
      }
      OwnershipRecord next = record.next(claim, host);
      Op write = Op.setData(recordPath, next.encoded(), last.get().version());
      return attempt(nodes, next, List.of(write), deadlineNanos);
    } catch (KeeperException e) {
      throw new OwnershipException(
          "the witness does not answer for %s: %s".formatted(recordPath, e.getMessage()), e);
    }
  }

  private boolean mayFollow(OwnershipRecord record, long predecessorToken) {
    boolean follows = record.token() == predecessorToken && record.takeOverAllowed();
    return follows || record.claim().equals(claim);
  }

  private Optional<Lease> first(WitnessNodes nodes, long deadlineNanos) throws KeeperException {
    try {
      WitnessNodes.await(
          nodes.transact(
              List.of(
                  Op.create(
                      ROOT, new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT))),
          deadlineNanos);
    } catch (KeeperException.NodeExistsException e) {
      // Another VM came first.
    }
    OwnershipRecord record = OwnershipRecord.first(claim, host);
    Op write =
        Op.create(recordPath, record.encoded(), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    return attempt(nodes, record, List.of(write), deadlineNanos);
  }

  /** Does {@code steps} and creates the owner node, all or nothing. */
  private Optional<Lease> attempt(
      WitnessNodes nodes, OwnershipRecord record, List<Op> steps, long deadlineNanos)
      throws KeeperException {
    ZooKeeperLease lease = new ZooKeeperLease(witness, this, record);
    List<Op> whole = new ArrayList<>(steps);
    whole.add(ownerNode(record));
    long sentNanos = System.nanoTime();
    try {
      WitnessNodes.await(nodes.transact(whole), deadlineNanos);
    } catch (KeeperException e) {
      if (isCertain(e.code())) {
        return Optional.empty();
      }
      lease.abandon();
      throw e;
    } catch (OwnershipException e) {
      lease.abandon();
      throw e;
    }
    lease.granted(nodes, sentNanos);
    granted = lease;
    claim = UUID.randomUUID();
    return Optional.of(lease);
  }

  /** Creates the owner node of a record, to end with the session. */
  Op ownerNode(OwnershipRecord record) {
    return Op.create(
        ownerPath, record.encodedLease(), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
  }

  /** Whether a transaction that failed so has certainly not been done: somebody was faster. */
  static boolean isCertain(Code code) {
    return code == Code.BADVERSION || code == Code.NODEEXISTS || code == Code.NONODE;
  }

  static Optional<Node> read(WitnessNodes nodes, String path, long deadlineNanos)
      throws KeeperException {
    return present(nodes.read(path), deadlineNanos);
  }

  private static Optional<Node> present(CompletableFuture<Node> answer, long deadlineNanos)
      throws KeeperException {
    try {
      return Optional.of(WitnessNodes.await(answer, deadlineNanos));
    } catch (KeeperException.NoNodeException e) {
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    if (granted != null) {
      granted.close();
    }
  }
}
