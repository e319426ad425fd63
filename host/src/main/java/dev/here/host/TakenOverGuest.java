package dev.here.host;

import dev.here.replication.FailoverState;
import dev.here.replication.Lease;
import dev.here.replication.OwnershipException;
import dev.here.replication.Verdict;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A guest that an earlier daemon of this host took over. It runs on in its VMM; this daemon shows
 * it, and owns it again as soon as the witness grants it: this host was the last owner, and whoever
 * had its guest before must not get it back meanwhile ({@link ZooKeeperOwnership#regain}).
 */
final class TakenOverGuest implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TakenOverGuest.class);
  private static final long RETRY_MILLIS = 200;
  private static final long PROGRESS_NANOS = 500_000_000;

  private final ReplicaRecord record;
  private final ReplicaView last;
  private final Optional<ZooKeeperOwnership> place;
  private final GuestWatch progress;
  private final Thread claimant;
  private volatile Optional<Lease> lease = Optional.empty();
  private volatile String hindrance;

  /**
   * Begins to claim it.
   *
   * @param folder where {@link ReplicaRecord} lies
   */
  TakenOverGuest(HostConfig config, Optional<WitnessConnection> witness, Path folder) {
    record = ReplicaRecord.read(folder);
    Path socket = folder.resolve("vmm.sock");
    last = ReplicaView.read(folder).orElseGet(() -> bare(socket));
    place = witness.map(third -> third.place(VmIdentity.of(record.vmName()), config.name()));
    hindrance = place.isPresent() ? "its lease is asked for" : "there is no witness to own it at";
    progress = GuestWatch.of(last.vm());
    LOG.info("{} was taken over before this daemon started and runs on", record.vmName());
    claimant = Thread.ofVirtual().name("claim-" + record.vmName()).start(this::claim);
  }

  private ReplicaView bare(Path socket) {
    return new ReplicaView(
        record.vmName(),
        socket.toString(),
        "here-vmm",
        FailoverState.RUNNING,
        Verdict.HEALTHY,
        "",
        0,
        Optional.empty(),
        Optional.empty());
  }

  String name() {
    return record.vmName();
  }

  boolean lives() {
    return record.vmm().find().filter(ProcessMark::isAlive).isPresent();
  }

  private void claim() {
    try {
      while (place.isPresent() && lease.isEmpty() && lives()) {
        tryToOwn(place.get());
        Thread.sleep(RETRY_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tryToOwn(ZooKeeperOwnership ownership) {
    try {
      Optional<Lease> granted = ownership.regain();
      lease = granted;
      if (granted.isPresent()) {
        LOG.info("{} is owned from here again, token {}", name(), granted.get().token());
        hindrance = "";
      } else {
        String owner = ownership.lastOwner().orElse("another host");
        hindrance =
            "%s has its lease: make sure that it does not run there too, and end one"
                .formatted(owner);
      }
    } catch (OwnershipException e) {
      hindrance = "the witness: " + e.getMessage();
    }
  }

  ReplicaView view() {
    return last.now(hindrance, progress.ask(PROGRESS_NANOS));
  }

  /** The guest runs on. */
  @Override
  public void close() {
    claimant.interrupt();
    progress.close();
    place.ifPresent(ZooKeeperOwnership::close);
  }
}
