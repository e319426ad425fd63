package dev.here.bench;

import dev.here.driver.vmm.VmmStandby;
import dev.here.formats.wire.Handshake;
import dev.here.formats.wire.Message;
import dev.here.replication.EpochReceiver;
import dev.here.replication.MemoryReplicaStore;
import dev.here.replication.PeerListener;
import dev.here.replication.ReceiverEvents;
import dev.here.replication.Replica;
import dev.here.replication.ReplicaStore;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * The standby's half of a protection on this machine: listens on loopback, prepares the warm VMM
 * when the primary says hello, and receives into it.
 */
final class WarmReplica implements AutoCloseable {
  private static final long GREETING_MILLIS = 30_000;

  private final VmmStandby standby;
  private final ReceiverEvents events;
  private final PeerListener listener;
  private Optional<EpochReceiver> receiver = Optional.empty();
  private Optional<ReplicaStore> store = Optional.empty();

  /**
   * @param standby not prepared yet; stays the caller's
   */
  WarmReplica(VmmStandby standby, Handshake handshake, ReceiverEvents events) {
    this.standby = standby;
    this.events = events;
    this.listener =
        new PeerListener(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            handshake,
            this::receiverFor,
            GREETING_MILLIS);
  }

  private synchronized EpochReceiver receiverFor(Message.Hello hello) {
    if (receiver.isEmpty()) {
      standby.prepare(hello.memory(), hello.vcpus());
      ReplicaStore made = new MemoryReplicaStore();
      store = Optional.of(made);
      Replica replica =
          Replica.create(
              made,
              standby.memory(),
              hello.memory(),
              hello.streams(),
              hello.session(),
              hello.fencingToken());
      receiver = Optional.of(new EpochReceiver(replica, standby, events));
    }
    return receiver.get();
  }

  /** Where the primary reaches it. */
  InetSocketAddress address() {
    return listener.address();
  }

  /** What receives; present once the primary has said hello. */
  synchronized Optional<EpochReceiver> receiver() {
    return receiver;
  }

  @Override
  public void close() {
    listener.close();
    receiver().ifPresent(EpochReceiver::close);
    synchronized (this) {
      store.ifPresent(ReplicaStore::close);
    }
  }
}
