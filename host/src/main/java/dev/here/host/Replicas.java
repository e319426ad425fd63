package dev.here.host;

import dev.here.formats.wire.Handshake;
import dev.here.formats.wire.Message;
import dev.here.formats.wire.RefusalCode;
import dev.here.replication.EpochReceiver;
import dev.here.replication.PeerListener;
import dev.here.replication.RefusedException;
import dev.here.replication.ReplicaDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** The replicas that this host holds for others, and the guests that it took over. */
final class Replicas implements ReplicaDirectory, AutoCloseable {
  private static final long GREETING_MILLIS = 5_000;

  private final HostConfig config;
  private final Optional<WitnessConnection> witness;
  private final Map<UUID, StandbyReplica> replicas = new ConcurrentHashMap<>();
  private final Map<UUID, TakenOverGuest> takenOver = new ConcurrentHashMap<>();
  private final SpareVmms spares;
  private final PeerListener listener;

  /** Listens for peers at once. */
  Replicas(HostConfig config, Optional<WitnessConnection> witness, Handshake handshake) {
    this.config = config;
    this.witness = witness;
    for (Path folder : ReplicaRecord.clear(config.runFolder().resolve("replicas"))) {
      TakenOverGuest guest = new TakenOverGuest(config, witness, folder);
      takenOver.put(VmIdentity.of(guest.name()), guest);
    }
    this.spares = new SpareVmms(config.runFolder().resolve("replicas"), config.spares());
    this.listener = new PeerListener(config.listen(), handshake, this, GREETING_MILLIS);
  }

  @Override
  public synchronized EpochReceiver receiverFor(Message.Hello hello) {
    StandbyReplica known = replicas.get(hello.vm());
    if (known != null && known.serves(hello.session()) && known.lives()) {
      return known.receiver();
    }
    if (known != null && known.isRunning() || runsSinceEarlier(hello.vm())) {
      throw new RefusedException(
          RefusalCode.TAKEN_OVER, "%s runs %s already".formatted(config.name(), hello.vmName()));
    }
    if (known != null) {
      replicas.remove(hello.vm());
      known.close();
    }
    StandbyReplica fresh = StandbyReplica.prepare(config, witness, hello, spares);
    replicas.put(hello.vm(), fresh);
    return fresh.receiver();
  }

  private boolean runsSinceEarlier(UUID vm) {
    TakenOverGuest guest = takenOver.get(vm);
    if (guest == null || guest.lives()) {
      return guest != null;
    }
    takenOver.remove(vm);
    guest.close();
    return false;
  }

  /** The user wants the guest here. */
  void failover(String name) {
    require(name).failover();
  }

  boolean knows(String name) {
    return replicas.containsKey(VmIdentity.of(name));
  }

  private StandbyReplica require(String name) {
    StandbyReplica replica = replicas.get(VmIdentity.of(name));
    if (replica == null) {
      throw new HostException("this host holds no replica of VM " + name);
    }
    return replica;
  }

  List<ReplicaView> views() {
    List<ReplicaView> views = new ArrayList<>();
    takenOver.values().stream()
        .filter(TakenOverGuest::lives)
        .forEach(guest -> views.add(guest.view()));
    replicas.values().forEach(replica -> views.add(replica.view()));
    return views;
  }

  @Override
  public void close() {
    listener.close();
    spares.close();
    replicas.values().forEach(StandbyReplica::close);
    takenOver.values().forEach(TakenOverGuest::close);
  }
}
