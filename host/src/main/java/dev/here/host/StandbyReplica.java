package dev.here.host;

import dev.here.driver.xen.XenStandby;
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
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One replica on its standby: the machine that holds the memory, the receiver that commits into it,
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
  private final ReplicaMachine machine;
  private final ReplicaStore store;
  private final EpochReceiver receiver;
  private final Failover failover;
  private final FailoverWatch watch;
  private final Path folder;

  /** Of what is left when this daemon ends, if anything is. */
  private final Optional<ReplicaRecord> record;

  private volatile Optional<FailoverTimes> times = Optional.empty();
  private volatile Optional<Lease> lease = Optional.empty();

  private StandbyReplica(
      HostConfig config,
      Optional<Ownership> ownership,
      Message.Hello hello,
      ReplicaMachine machine,
      Path folder) {
    this.name = hello.vmName();
    this.folder = folder;
    this.session = hello.session();
    this.machine = machine;
    this.record = machine.record();
    record.ifPresent(left -> left.write(folder));
    this.store = new MemoryReplicaStore();
    Replica replica =
        Replica.create(
            store,
            machine.standby().memory(),
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
    this.receiver = new EpochReceiver(replica, machine.standby(), watch);
  }

  /**
   * Makes a replica of the guest's shape with the hypervisor that this host has: Xen, where it is
   * one, else our own VMM.
   *
   * @param spares where a started VMM may be
   * @throws RefusedException when this host cannot carry it
   */
  static StandbyReplica prepare(
      HostConfig config,
      Optional<WitnessConnection> witness,
      Message.Hello hello,
      SpareVmms spares) {
    try {
      Path folder = config.runFolder().resolve("replicas").resolve(hello.session().toString());
      Files.createDirectories(folder);
      ReplicaMachine machine =
          XenStandby.isHere()
              ? XenReplica.prepare(config, hello, folder)
              : VmmReplica.prepare(config, hello, folder, spares);
      try {
        return new StandbyReplica(
            config,
            witness.map(third -> third.ownership(hello.vm(), config.name())),
            hello,
            machine,
            folder);
      } catch (HypervisorException | HostException e) {
        machine.close();
        machine.withdraw();
        throw e;
      }
    } catch (IOException | HypervisorException | HostException e) {
      throw new RefusedException(
          RefusalCode.UNSUITABLE, "%s: %s".formatted(config.name(), e.getMessage()), e);
    }
  }

  boolean serves(UUID otherSession) {
    return session.equals(otherSession);
  }

  /** Whether its memory is there. */
  boolean lives() {
    return machine.lives();
  }

  EpochReceiver receiver() {
    return receiver;
  }

  boolean isRunning() {
    return failover.state() == FailoverState.RUNNING;
  }

  /** Whether this is its name, its VMM's control socket or its domain. */
  boolean isCalled(String text) {
    return text.equals(name) || text.equals(machine.vm());
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
        machine.vm(),
        machine.standby().hypervisor(),
        failover.state(),
        failover.verdict(),
        failover.reason(),
        receiver.replica().committedEpoch(),
        machine.cards(),
        times,
        isRunning() ? Optional.of(machine.standby().progress(PROGRESS_NANOS)) : Optional.empty());
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
        // From here on a daemon that starts again must not end what the guest runs in.
        machine.takenOver().ifPresent(left -> left.write(folder));
        long epoch = receiver.takeOver();
        machine.takenOver().ifPresent(left -> left.write(folder));
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
    machine.close();
    if (!isRunning() || !lives()) {
      record.ifPresent(left -> left.releaseTaps(folder));
    }
    lease.ifPresent(Lease::close);
  }
}
