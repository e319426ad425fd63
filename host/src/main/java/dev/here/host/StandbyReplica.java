package dev.here.host;

import dev.here.driver.vmm.VmmCommand;
import dev.here.driver.vmm.VmmStandby;
import dev.here.formats.wire.Message;
import dev.here.formats.wire.RefusalCode;
import dev.here.hypervisor.HypervisorException;
import dev.here.replication.EpochReceiver;
import dev.here.replication.Failover;
import dev.here.replication.FailoverActions;
import dev.here.replication.FailoverState;
import dev.here.replication.FailoverTimes;
import dev.here.replication.FailoverWatch;
import dev.here.replication.Lease;
import dev.here.replication.MemoryReplicaStore;
import dev.here.replication.Ownership;
import dev.here.replication.RefusedException;
import dev.here.replication.Replica;
import dev.here.replication.ReplicaStore;
import dev.here.replication.Suspicion;
import dev.here.replication.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One replica on its standby: a warm VMM that holds the memory, the receiver that commits into it,
 * and the failover that starts it when the lease is granted.
 */
final class StandbyReplica implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StandbyReplica.class);
  private static final long MILLI = 1_000_000;
  private static final long STEP_NANOS = 20 * MILLI;
  private static final long RETRY_NANOS = 100 * MILLI;
  private static final long PROGRESS_NANOS = 500 * MILLI;

  private final String name;
  private final UUID session;
  private final VmmStandby standby;
  private final ReplicaStore store;
  private final EpochReceiver receiver;
  private final Failover failover;
  private final FailoverWatch watch;
  private final Path folder;
  private final ReplicaRecord record;
  private volatile Optional<FailoverTimes> times = Optional.empty();
  private volatile Optional<Lease> lease = Optional.empty();

  private StandbyReplica(
      HostConfig config,
      Optional<Ownership> ownership,
      Message.Hello hello,
      VmmStandby standby,
      Optional<GuestTap> tap,
      Path folder) {
    this.name = hello.vmName();
    this.folder = folder;
    this.record =
        new ReplicaRecord(
            name,
            ProcessMark.of(standby.process().orElseThrow()),
            tap.map(GuestTap::name).orElse(""),
            false);
    record.write(folder);
    this.session = hello.session();
    this.standby = standby;
    this.store = new MemoryReplicaStore();
    Replica replica =
        Replica.create(
            store,
            standby.memory(),
            hello.memory(),
            hello.streams(),
            hello.session(),
            hello.fencingToken());
    long suspect = config.suspectAfter().toNanos();
    this.failover =
        new Failover(
            ownership,
            replica::fencingToken,
            new Actions(),
            new Suspicion.Limits(suspect, 2 * suspect, 6 * suspect, suspect),
            RETRY_NANOS);
    this.watch = new FailoverWatch(failover, STEP_NANOS);
    this.receiver = new EpochReceiver(replica, standby, watch);
  }

  /**
   * Starts a warm VMM of the guest's shape.
   *
   * @param spares where a started process may be
   * @throws RefusedException when this host cannot carry it
   */
  static StandbyReplica prepare(
      HostConfig config,
      Optional<WitnessConnection> witness,
      Message.Hello hello,
      SpareVmms spares) {
    Optional<GuestTap> tap =
        config.bridge().isEmpty() ? Optional.empty() : Optional.of(GuestTap.make(config.bridge()));
    VmmStandby standby = null;
    try {
      Path folder = config.runFolder().resolve("replicas").resolve(hello.session().toString());
      Files.createDirectories(folder);
      standby =
          new VmmStandby(
              VmmCommand.ofThisJava(vmmOptions(config, hello, tap)),
              folder.resolve("vmm.sock"),
              folder.resolve("vmm.log"));
      spares.take().ifPresent(standby::startFrom);
      standby.prepare(hello.memory(), hello.vcpus());
      return new StandbyReplica(
          config,
          witness.map(third -> third.ownership(hello.vm(), config.name())),
          hello,
          standby,
          tap,
          folder);
    } catch (IOException | HypervisorException | HostException e) {
      if (standby != null) {
        standby.close();
      }
      tap.ifPresent(GuestTap::close);
      throw new RefusedException(
          RefusalCode.UNSUITABLE, "%s: %s".formatted(config.name(), e.getMessage()), e);
    }
  }

  private static List<String> vmmOptions(
      HostConfig config, Message.Hello hello, Optional<GuestTap> tap) {
    List<String> options = new ArrayList<>();
    for (String disk : hello.disks()) {
      options.add("--disk");
      options.add(allowedDisk(config, disk) + ",readonly");
    }
    tap.ifPresent(made -> {
      options.add("--nic");
      options.add("tap=" + made.name());
    });
    return options;
  }

  /** A peer names paths; only what the administrator has set apart for disks is opened for it. */
  private static Path allowedDisk(HostConfig config, String disk) {
    try {
      Path real = Path.of(disk).toRealPath();
      for (Path folder : config.diskFolders()) {
        if (real.startsWith(folder.toRealPath())) {
          return real;
        }
      }
    } catch (IOException e) {
      throw new RefusedException(
          RefusalCode.UNSUITABLE,
          "disk %s is not on host %s (%s): put the same file there"
              .formatted(disk, config.name(), e.getMessage()),
          e);
    }
    throw new RefusedException(
        RefusalCode.UNSUITABLE,
        "disk %s does not lie in a folder for disks of host %s, which are %s: start its hered with --disk-folder"
            .formatted(disk, config.name(), config.diskFolders()));
  }

  boolean serves(UUID otherSession) {
    return session.equals(otherSession);
  }

  /** Whether its VMM is there: without it a replica has no memory. */
  boolean lives() {
    return standby.process().map(ProcessHandle::isAlive).orElse(false);
  }

  EpochReceiver receiver() {
    return receiver;
  }

  boolean isRunning() {
    return failover.state() == FailoverState.RUNNING;
  }

  /** Whether this is its name, or its VMM's control socket. */
  boolean isCalled(String text) {
    return text.equals(name) || text.equals(standby.socket().toString());
  }

  /** The guest that runs here, from now on without the receiver that brought it. */
  TakenOverGuest settled(
      HostConfig config, Optional<WitnessConnection> witness, Predicate<String> kept) {
    Optional<Lease> held = lease;
    lease = Optional.empty();
    close();
    return new TakenOverGuest(config, witness, folder, held, kept);
  }

  /** The user wants the guest here. */
  void failover() {
    watch.command();
  }

  ReplicaView view() {
    return new ReplicaView(
        name,
        standby.socket().toString(),
        standby.hypervisor(),
        failover.state(),
        failover.verdict(),
        failover.reason(),
        receiver.replica().committedEpoch(),
        times,
        isRunning() ? Optional.of(standby.progress(PROGRESS_NANOS)) : Optional.empty());
  }

  private final class Actions implements FailoverActions {
    @Override
    public void fence(Verdict cause) {
      // The primary's keeper has ended its hypervisor before it gave up the lease; a host that is
      // not heard cannot be reached for it either, and its gate holds without a lease.
      LOG.info("{}: the lease is here ({})", name, cause);
    }

    @Override
    public long activate(Lease granted) {
      try {
        // From here on a daemon that starts again must not end this VMM.
        record.beingTakenOver().write(folder);
        long epoch = receiver.takeOver();
        lease = Optional.of(granted);
        return epoch;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new HostException("interrupted while " + name + " was taken over", e);
      }
    }

    @Override
    public void announce(long epoch, FailoverTimes taken) {
      times = Optional.of(taken);
      LOG.warn("{} runs here from epoch {}: {}", name, epoch, taken);
      view().write(folder);
    }

    @Override
    public void changed(FailoverState state, Verdict verdict, String reason) {
      LOG.info("{}: {} {} {}", name, state, verdict, reason);
    }
  }

  /** Gives the replica up; a guest that runs here runs on. */
  @Override
  public void close() {
    watch.close();
    receiver.close();
    store.close();
    standby.close();
    if (!isRunning() || !lives()) {
      record.releaseTap(folder);
    }
    lease.ifPresent(Lease::close);
  }
}
