package dev.here.host;

import dev.here.replication.FailoverState;
import dev.here.replication.Lease;
import dev.here.replication.OwnershipException;
import dev.here.replication.Verdict;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A guest that this host took over, by this daemon or an earlier one. It runs on in its VMM or
 * domain; this daemon shows it and owns it, except while a keeper protects it from here and has the
 * lease ({@link ZooKeeperOwnership#inherit}). Without the lease it is asked for until the witness
 * grants it: this host was the last owner, and whoever had the guest before must not get it back
 * meanwhile ({@link ZooKeeperOwnership#regain}).
 */
final class TakenOverGuest implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TakenOverGuest.class);
  private static final long RETRY_MILLIS = 200;
  private static final long OWNED_NANOS = 5_000_000_000L;
  private static final long PROGRESS_NANOS = 500_000_000;

  private final Path folder;
  private final ReplicaRecord record;
  private final Path socket;
  private final ReplicaView last;
  private final Optional<ZooKeeperOwnership> place;
  private final Predicate<String> kept;
  private final GuestWatch progress;
  private final Thread claimant;
  private volatile Optional<Lease> lease;
  private volatile String hindrance = "";

  /**
   * Begins to claim it, unless it is owned already.
   *
   * @param folder where {@link ReplicaRecord} lies
   * @param held the lease, where this daemon has it; closed with this object
   * @param kept whether a keeper has the lease of the VM of a name, or is to have it again
   */
  TakenOverGuest(
      HostConfig config,
      Optional<WitnessConnection> witness,
      Path folder,
      Optional<Lease> held,
      Predicate<String> kept) {
    this.folder = folder;
    record = ReplicaRecord.read(folder);
    socket = folder.resolve("vmm.sock");
    last = ReplicaView.read(folder).orElseGet(this::bare);
    place = witness.map(third -> third.place(VmIdentity.of(record.vmName()), config.name()));
    lease = held;
    this.kept = kept;
    if (held.isEmpty()) {
      hindrance = place.isPresent() ? "its lease is asked for" : "there is no witness to own it at";
    }
    progress = GuestWatch.of(last.vm());
    claimant = Thread.ofVirtual().name("claim-" + record.vmName()).start(this::claim);
  }

  private ReplicaView bare() {
    return new ReplicaView(
        record.vmName(),
        socket.toString(),
        "here-vmm",
        FailoverState.RUNNING,
        Verdict.HEALTHY,
        "",
        0,
        record.taps(),
        Optional.empty(),
        Optional.empty());
  }

  String name() {
    return record.vmName();
  }

  /** Whether this is its name, its VMM's control socket or its domain. */
  boolean isCalled(String text) {
    return text.equals(name()) || text.equals(last.vm());
  }

  /** A process that cannot be looked at has not ended. */
  boolean lives() {
    try {
      return record.vmm().find().filter(ProcessMark::isAlive).isPresent();
    } catch (HostException e) {
      LOG.warn("it is not seen whether {} lives: {}", name(), e.getMessage());
      return true;
    }
  }

  /** The guest's name for a keeper, see {@link GuestReference#parse}. */
  String reference() {
    return last.vm().startsWith(GuestReference.XEN) ? last.vm() : GuestReference.VMM + socket;
  }

  /**
   * The fencing token with which this daemon owns the guest; waits a little for it, since a keeper
   * that has just ended may still be giving it up.
   *
   * @throws HostException when it does not own it, with the reason
   */
  long ownedToken() {
    long deadlineNanos = System.nanoTime() + OWNED_NANOS;
    while (owned().isEmpty() && System.nanoTime() < deadlineNanos) {
      LockSupport.parkNanos(RETRY_MILLIS * 1_000_000);
    }
    return owned()
        .map(Lease::token)
        .orElseThrow(() ->
            new HostException(
                "VM %s runs here, but this host does not own it: %s".formatted(name(), hindrance)));
  }

  private Optional<Lease> owned() {
    return lease.filter(held -> !held.isLost());
  }

  private void claim() {
    try {
      while (place.isPresent() && lives()) {
        if (owned().isEmpty() && !kept.test(name())) {
          tryToOwn(place.get());
        }
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
        String owner = ownership.lastRecord().map(OwnershipRecord::host).orElse("another host");
        hindrance =
            "%s has its lease: make sure that it does not run there too, and end one"
                .formatted(owner);
      }
    } catch (OwnershipException e) {
      hindrance = "the witness: " + e.getMessage();
    } catch (RuntimeException e) {
      LOG.error("the lease of {} could not be asked for; it is tried again", name(), e);
      hindrance = "its lease could not be asked for: " + e;
    }
  }

  ReplicaView view() {
    return last.now(kept.test(name()) ? "" : hindrance, progress.ask(PROGRESS_NANOS));
  }

  /** Its VMM has ended: it is owned from here no longer, and its TAPs go. */
  void forget() {
    close();
    record.releaseTaps(folder);
  }

  /** The guest runs on. */
  @Override
  public void close() {
    claimant.interrupt();
    progress.close();
    lease.ifPresent(Lease::close);
    place.ifPresent(ZooKeeperOwnership::close);
  }
}
