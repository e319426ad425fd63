package dev.here.bench;

import dev.here.driver.vmm.VmmControl;
import dev.here.driver.vmm.VmmPrimary;
import dev.here.driver.vmm.VmmStandby;
import dev.here.formats.control.ControlMessage;
import dev.here.formats.wire.Handshake;
import dev.here.formats.wire.Message;
import dev.here.replication.Dialer;
import dev.here.replication.EpochLoop;
import dev.here.replication.EpochReceiver;
import dev.here.replication.Failover;
import dev.here.replication.FailoverActions;
import dev.here.replication.FailoverState;
import dev.here.replication.FailoverTimes;
import dev.here.replication.FailoverWatch;
import dev.here.replication.FixedInterval;
import dev.here.replication.InProcessOwnership;
import dev.here.replication.Lease;
import dev.here.replication.MemoryReplicaStore;
import dev.here.replication.PeerListener;
import dev.here.replication.Protection;
import dev.here.replication.ProtectionEvents;
import dev.here.replication.ProtectionState;
import dev.here.replication.ProtectionStatus;
import dev.here.replication.Replica;
import dev.here.replication.ReplicaStore;
import dev.here.replication.Suspicion;
import dev.here.replication.Verdict;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * One failover: the guest's VMM is protected over loopback TCP by another VMM process, fails at a
 * random moment, and the guest goes on in the other one, where its memory is checked.
 */
final class SoakRound implements AutoCloseable {
  /** How the primary fails. */
  enum Fault {
    /** Its process is killed. */
    KILL,
    /** Its process is stopped, as a hung hypervisor stands. */
    HANG,
    /** The guest is moved, planned. */
    SWITCHOVER
  }

  /** A guest that runs: where, and by whose leave. */
  record Running(VmmStandby vmm, Lease lease) {}

  private static final long MILLI = 1_000_000;
  private static final long PATIENCE_NANOS = 120_000 * MILLI;
  private static final byte[] TOKEN = "both ends of one soak".getBytes(StandardCharsets.US_ASCII);

  private final BareMetalVm vm;
  private final Running old;
  private final VmmStandby next;
  private final NumberOutput.Seen seen;
  private final SplittableRandom random;
  private final VmmPrimary primary;
  private final EpochLoop loop;
  private final Failover failover;
  private final FailoverWatch watch;
  private final PeerListener listener;
  private final CountDownLatch tookOver = new CountDownLatch(1);
  private volatile Optional<EpochReceiver> receiver = Optional.empty();
  private volatile Optional<ReplicaStore> store = Optional.empty();
  private volatile Optional<Lease> granted = Optional.empty();
  private volatile Optional<SoakFailure> failure = Optional.empty();
  private volatile long[] generationsAtTakeOver = {};
  private volatile FailoverTimes times = new FailoverTimes(0, 0, 0, 0);

  /**
   * @param next not prepared yet
   */
  SoakRound(
      BareMetalVm vm,
      UUID name,
      InProcessOwnership witness,
      Running old,
      VmmStandby next,
      NumberOutput.Seen seen,
      SplittableRandom random) {
    this.vm = vm;
    this.old = old;
    this.next = next;
    this.seen = seen;
    this.random = random;
    Suspicion.Limits limits =
        new Suspicion.Limits(500 * MILLI, 3_000 * MILLI, 10_000 * MILLI, 2_000 * MILLI);
    failover =
        new Failover(
            Optional.of(witness.of(name)),
            () -> receiver.orElseThrow().replica().fencingToken(),
            new Actions(),
            limits,
            20 * MILLI);
    watch = new FailoverWatch(failover, 10 * MILLI);
    listener =
        new PeerListener(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            new Handshake(TOKEN),
            this::receiverFor,
            30_000);
    primary = VmmPrimary.attach(old.vmm().socket());
    loop =
        new EpochLoop(
            new Protection(
                name,
                "soak",
                vm.vcpus(),
                List.of(),
                2,
                true,
                limits,
                20 * MILLI,
                60_000 * MILLI,
                60_000 * MILLI,
                60_000 * MILLI,
                20 * MILLI),
            primary,
            Dialer.tcp(listener.address(), 30_000),
            new Handshake(TOKEN),
            old.lease(),
            new NumberOutput(vm, old.vmm().memory(), seen),
            new FixedInterval(random.nextLong(1, 20) * MILLI),
            new NoEvents());
  }

  private static final class NoEvents implements ProtectionEvents {
    @Override
    public void changed(ProtectionState state, String reason) {
      // Asked for where it matters.
    }

    @Override
    public void committed(ProtectionStatus status) {
      // Asked for where it matters.
    }
  }

  private synchronized EpochReceiver receiverFor(Message.Hello hello) {
    if (receiver.isEmpty()) {
      next.prepare(hello.memory(), hello.vcpus());
      ReplicaStore made = new MemoryReplicaStore();
      store = Optional.of(made);
      Replica replica =
          Replica.create(
              made,
              next.memory(),
              hello.memory(),
              hello.streams(),
              hello.session(),
              hello.fencingToken());
      receiver = Optional.of(new EpochReceiver(replica, next, watch));
    }
    return receiver.get();
  }

  private final class Actions implements FailoverActions {
    @Override
    public void fence(Verdict cause) {
      // The loop on the same machine has ended the process for certain before it gave up the lease.
    }

    @Override
    public long activate(Lease lease) {
      try {
        EpochReceiver own = receiver.orElseThrow();
        own.onReplicaThread(() -> {
          checkReplica(next.memory());
          return true;
        });
        long epoch = own.takeOver();
        granted = Optional.of(lease);
        return epoch;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted in the middle of a take-over", e);
      } catch (SoakFailure e) {
        failure = Optional.of(e);
        throw e;
      }
    }

    @Override
    public void announce(long epoch, FailoverTimes taken) {
      times = taken;
      tookOver.countDown();
    }

    @Override
    public void changed(FailoverState state, Verdict verdict, String reason) {
      if (state == FailoverState.FAILED) {
        tookOver.countDown();
      }
    }
  }

  /** The committed checkpoint is one moment of the guest, and not older than what was seen. */
  private void checkReplica(MemorySegment ram) {
    requireRight(ram, "in the committed checkpoint");
    long[] generations = vm.generations(ram);
    long[] released = seen.last();
    for (int vcpu = 0; vcpu < generations.length; vcpu++) {
      if (generations[vcpu] < released[vcpu]) {
        throw new SoakFailure(
            SoakFailure.Kind.LOST,
            "the outside saw numbers up to %s, the committed checkpoint knows %s"
                .formatted(Arrays.toString(released), Arrays.toString(generations)));
      }
    }
    generationsAtTakeOver = generations;
  }

  private void requireRight(MemorySegment ram, String where) {
    List<String> wrong = vm.verify(ram);
    if (!wrong.isEmpty()) {
      throw new SoakFailure(SoakFailure.Kind.CORRUPT, where + ": " + String.join("; ", wrong));
    }
  }

  /** Protects, lets the primary fail, and checks; returns where the guest runs then. */
  Running run(Fault fault) throws InterruptedException, IOException {
    loop.start();
    long checkpoints = random.nextLong(1, 12);
    await("checkpoints", () -> loop.status().checkpoints() >= checkpoints && loop.status().safe());
    Thread.sleep(random.nextLong(30), random.nextInt(1_000_000));
    inflict(fault);
    if (!tookOver.await(PATIENCE_NANOS, TimeUnit.NANOSECONDS)
        || failover.state() != FailoverState.RUNNING) {
      throw failure.orElseGet(
          () -> new SoakFailure(SoakFailure.Kind.LOST, "no take-over after " + fault + standing()));
    }
    loop.awaitEnd();
    await("the guest", this::eachVcpuGetsOn);
    checkStanding();
    return new Running(next, granted.orElseThrow());
  }

  FailoverTimes times() {
    return times;
  }

  private void inflict(Fault fault) throws IOException, InterruptedException {
    ProcessHandle process = old.vmm().process().orElseThrow();
    switch (fault) {
      case KILL -> process.destroyForcibly();
      case HANG ->
          new ProcessBuilder("kill", "-STOP", Long.toString(process.pid())).start().waitFor();
      case SWITCHOVER -> loop.switchover();
    }
  }

  private boolean eachVcpuGetsOn() {
    long[] now = vm.generations(next.memory());
    for (int vcpu = 0; vcpu < now.length; vcpu++) {
      if (now[vcpu] <= generationsAtTakeOver[vcpu] + 1) {
        return false;
      }
    }
    return true;
  }

  private void checkStanding() {
    try (VmmControl control = VmmControl.connect(next.socket())) {
      control.done(new ControlMessage.Pause());
      requireRight(next.memory(), "after the take-over");
      control.done(new ControlMessage.Resume());
    }
  }

  private void await(String what, java.util.function.BooleanSupplier condition)
      throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline || loop.status().state() == ProtectionState.FAILED) {
        throw new SoakFailure(SoakFailure.Kind.LOST, "no sign of " + what + standing());
      }
      Thread.sleep(1);
    }
  }

  private String standing() {
    return "; primary %s (%s), standby %s (%s)"
        .formatted(
            loop.status().state(), loop.status().reason(), failover.state(), failover.reason());
  }

  @Override
  public void close() {
    loop.close();
    primary.close();
    watch.close();
    listener.close();
    receiver.ifPresent(EpochReceiver::close);
    store.ifPresent(ReplicaStore::close);
    vm.end(old.vmm());
  }
}
