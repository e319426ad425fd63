package dev.here.host;

import dev.here.replication.OwnershipException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooKeeper;

/**
 * Calls to the witness within one session. None blocks; answers come on the session's event thread,
 * where nothing may wait.
 */
final class WitnessNodes {
  private final ZooKeeper client;

  /**
   * A node as it was read.
   *
   * @param version changes with each write
   * @param ephemeralOwner session that it ends with, 0 for none
   */
  record Node(String path, byte[] octets, int version, long ephemeralOwner) {}

  WitnessNodes(ZooKeeper client) {
    this.client = client;
  }

  /** 0 until the witness has been reached. */
  long sessionId() {
    return client.getSessionId();
  }

  /** What was agreed with the witness; 0 before. */
  int sessionMillis() {
    return client.getSessionTimeout();
  }

  /** Fails with {@link KeeperException}. */
  CompletableFuture<Node> read(String path) {
    CompletableFuture<Node> answer = new CompletableFuture<>();
    client.getData(
        path,
        false,
        (code, where, context, octets, stat) -> {
          if (code == 0) {
            answer.complete(
                new Node(
                    path,
                    octets == null ? new byte[0] : octets,
                    stat.getVersion(),
                    stat.getEphemeralOwner()));
          } else {
            answer.completeExceptionally(failure(code, path));
          }
        },
        null);
    return answer;
  }

  /**
   * As {@link #read}, after the server has caught up with the ensemble's leader: a server that has
   * lost its leader gives no answer, because the leader may have ended the session meanwhile.
   */
  CompletableFuture<Node> readConfirmed(String path) {
    CompletableFuture<Void> caughtUp = new CompletableFuture<>();
    client.sync(
        path,
        (code, where, context) -> {
          if (code == 0) {
            caughtUp.complete(null);
          } else {
            caughtUp.completeExceptionally(failure(code, path));
          }
        },
        null);
    return caughtUp.thenCombine(read(path), (synced, node) -> node);
  }

  /** Does all or nothing; fails with {@link KeeperException}. */
  CompletableFuture<Void> transact(List<Op> operations) {
    CompletableFuture<Void> answer = new CompletableFuture<>();
    client.multi(
        operations,
        (code, path, context, results) -> {
          if (code == 0) {
            answer.complete(null);
          } else {
            answer.completeExceptionally(failure(code, operations.getFirst().getPath()));
          }
        },
        null);
    return answer;
  }

  private static KeeperException failure(int code, String path) {
    KeeperException.Code known = KeeperException.Code.get(code);
    return KeeperException.create(known == null ? KeeperException.Code.SYSTEMERROR : known, path);
  }

  /**
   * Waits for an answer until the deadline.
   *
   * @throws KeeperException the witness's refusal, or that the connection is lost
   * @throws OwnershipException when there is no answer in time
   */
  static <T> T await(CompletableFuture<T> answer, long deadlineNanos) throws KeeperException {
    try {
      return answer.get(Math.max(0, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new OwnershipException("the witness gave no answer in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OwnershipException("interrupted while the witness was asked", e);
    } catch (ExecutionException e) {
      throw cause(e);
    }
  }

  private static KeeperException cause(ExecutionException failure) {
    if (refusal(failure) instanceof KeeperException refused) {
      return refused;
    }
    throw new OwnershipException("the witness's answer cannot be used", failure);
  }

  /** The witness's own refusal inside what a future failed with. */
  static Throwable refusal(Throwable failure) {
    Throwable inner = failure;
    while (!(inner instanceof KeeperException) && inner.getCause() != null) {
      inner = inner.getCause();
    }
    return inner;
  }
}
