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
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The replicas that this host holds for others, and the guests that it took over. */
final class Replicas implements ReplicaDirectory, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Replicas.class);
  private static final long GREETING_MILLIS = 5_000;

  private final HostConfig config;
  private final Optional<WitnessConnection> witness;
  private final Map<UUID, StandbyReplica> replicas = new ConcurrentHashMap<>();
  private final Map<UUID, TakenOverGuest> takenOver = new ConcurrentHashMap<>();
  private final Predicate<String> kept;
  private final SpareVmms spares;
  private final PeerListener listener;

  /**
   * Listens for peers at once.
   *
   * @param folder what an earlier daemon left of them, and where they are
   * @param kept whether a keeper of this host has the lease of the VM of a name, or is to have it
   */
  Replicas(
      HostConfig config,
      Path folder,
      Optional<WitnessConnection> witness,
      Handshake handshake,
      Predicate<String> kept) {
    this.config = config;
    this.witness = witness;
    this.kept = kept;
    for (Path own : ReplicaRecord.clear(folder)) {
      TakenOverGuest guest = new TakenOverGuest(config, witness, own, Optional.empty(), kept);
      LOG.info("{} was taken over before this daemon started and runs on", guest.name());
      takenOver.put(VmIdentity.of(guest.name()), guest);
    }
    this.spares = new SpareVmms(folder, config.spares());
    this.listener = new PeerListener(config.listen(), handshake, this, GREETING_MILLIS);
  }

  @Override
  public synchronized EpochReceiver receiverFor(Message.Hello hello) {
    StandbyReplica known = replicas.get(hello.vm());
    if (known != null && known.serves(hello.session()) && known.lives()) {
      return known.receiver();
    }
    forgetEnded();
    if (known != null && known.isRunning() && known.lives() || takenOver.containsKey(hello.vm())) {
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

  private void forgetEnded() {
    for (Map.Entry<UUID, TakenOverGuest> entry : takenOver.entrySet()) {
      if (!entry.getValue().lives() && takenOver.remove(entry.getKey(), entry.getValue())) {
        entry.getValue().forget();
      }
    }
  }

  /**
   * A guest that this host took over and that runs here.
   *
   * @param text its name or its VMM's control socket, either with or without "vmm:" before it
   */
  synchronized Optional<TakenOverGuest> runningHere(String text) {
    String wanted =
        text.startsWith(GuestReference.VMM) ? text.substring(GuestReference.VMM.length()) : text;
    replicas.forEach((vm, replica) -> {
      if (replica.isRunning() && replica.lives() && replica.isCalled(wanted)) {
        replicas.remove(vm);
        takenOver.put(vm, replica.settled(config, witness, kept));
      }
    });
    return takenOver.values().stream()
        .filter(TakenOverGuest::lives)
        .filter(guest -> guest.isCalled(wanted))
        .findFirst();
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
    forgetEnded();
    List<ReplicaView> views = new ArrayList<>();
    takenOver.values().forEach(guest -> views.add(guest.view()));
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
