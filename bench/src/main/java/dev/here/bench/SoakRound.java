package dev.here.bench;

import dev.here.driver.vmm.VmmControl;
import dev.here.driver.vmm.VmmPrimary;
import dev.here.driver.vmm.VmmStandby;
import dev.here.formats.control.ControlMessage;
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
import dev.here.replication.ProtectionEvents;
import dev.here.replication.ProtectionState;
import dev.here.replication.ProtectionStatus;
import dev.here.replication.Verdict;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
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

  private final BareMetalVm vm;
  private final Running old;
  private final VmmStandby next;
  private final NumberOutput.Seen seen;
  private final SplittableRandom random;
  private final VmmPrimary primary;
  private final EpochLoop loop;
  private final Failover failover;
  private final FailoverWatch watch;
  private final WarmReplica replica;
  private final CountDownLatch tookOver = new CountDownLatch(1);
  private volatile Optional<Lease> granted = Optional.empty();
  private volatile Optional<SoakFailure> failure = Optional.empty();
  private volatile long[] generationsAtTakeOver = {};
  private volatile long checkNanos;
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
    failover =
        new Failover(
            Optional.of(witness.of(name)),
            () -> receiver().replica().fencingToken(),
            new Actions(),
            Loopback.limits(),
            20 * MILLI);
    watch = new FailoverWatch(failover, 10 * MILLI);
    replica = new WarmReplica(next, Loopback.handshake(), watch);
    primary = VmmPrimary.attach(old.vmm().socket());
    loop =
        new EpochLoop(
            Loopback.protection(name, "soak", vm.vcpus(), Loopback.limits()),
            primary,
            Dialer.tcp(replica.address(), 30_000),
            Loopback.handshake(),
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

  private EpochReceiver receiver() {
    return replica.receiver().orElseThrow();
  }

  private final class Actions implements FailoverActions {
    @Override
    public void fence(Verdict cause) {
      // The loop on the same machine has ended the process for certain before it gave up the lease.
    }

    @Override
    public long activate(Lease lease) {
      try {
        EpochReceiver own = receiver();
        long start = System.nanoTime();
        own.onReplicaThread(() -> {
          checkReplica(next.memory());
          return true;
        });
        checkNanos = System.nanoTime() - start;
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
      times =
          new FailoverTimes(
              taken.silenceNanos(),
              taken.acquireNanos(),
              taken.fenceNanos(),
              taken.activateNanos() - checkNanos);
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

  /** Where its time went, without our own check of the memory. */
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
    replica.close();
    vm.end(old.vmm());
  }
}
