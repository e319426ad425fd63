package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.formats.wire.Handshake;
import dev.here.formats.wire.Message;
import dev.here.testkit.FakeGuest;
import dev.here.testkit.FakePrimary;
import dev.here.testkit.FakeStandby;
import dev.here.testkit.FaultyLink;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Two hosts and the network between them in one process, for tests from end to end. */
final class Rack implements AutoCloseable {
  private static final long MILLI = 1_000_000;
  private static final byte[] TOKEN = "a token for tests only".getBytes(StandardCharsets.US_ASCII);

  final UUID vm = UUID.randomUUID();
  final FakeGuest guest;
  final HeldFrames frames = new HeldFrames();
  final FakePrimary primary;
  final InProcessOwnership witness = new InProcessOwnership();
  final UnansweredLease lease;
  final FaultyLink link;
  final CountDownLatch running = new CountDownLatch(1);
  final EpochLoop loop;
  final Failover failover;
  private final FailoverWatch watch;
  private final PeerListener listener;
  private final Arena arena = Arena.ofShared();
  private volatile Optional<Standing> standing = Optional.empty();
  private volatile boolean stalling;
  private Optional<RuntimeException> encodeFailure = Optional.empty();

  /** What stands on the standby's host. */
  record Standing(FakeStandby standby, ReplicaStore store, EpochReceiver receiver) {}

  Rack(
      long seed, int pages, int streams, boolean shadow, long meanBytes, FaultyLink.Fault... faults)
      throws IOException {
    guest = new FakeGuest(seed, pages);
    primary = new FakePrimary(guest, 300_000, frames::send);
    lease = new UnansweredLease(witness.of(vm).acquire().orElseThrow());
    Suspicion.Limits limits =
        new Suspicion.Limits(500 * MILLI, 2_000 * MILLI, 5_000 * MILLI, 600 * MILLI);
    failover =
        new Failover(
            Optional.of(witness.of(vm)),
            () -> standing.map(now -> now.receiver.replica().fencingToken()).orElse(0L),
            new Actions(),
            limits,
            20 * MILLI);
    watch = new FailoverWatch(failover, 10 * MILLI);
    InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    listener = new PeerListener(anyPort, new Handshake(TOKEN), this::receiverFor, 2_000);
    link = new FaultyLink(listener.address(), seed, meanBytes, faults);
    Protection protection =
        new Protection(
            vm,
            "fake",
            1,
            List.of(),
            List.of(),
            streams,
            shadow,
            limits,
            20 * MILLI,
            1_000 * MILLI,
            1_500 * MILLI,
            300 * MILLI,
            20 * MILLI);
    Dialer tcp = Dialer.tcp(link.address(), 500);
    loop =
        new EpochLoop(
            protection,
            primary,
            () -> new BreakableChannel(tcp.dial(), this::encodeFailure),
            new Handshake(TOKEN),
            lease,
            frames,
            new FixedInterval(5 * MILLI),
            new ProtectionEvents() {
              @Override
              public void changed(ProtectionState state, String reason) {}

              @Override
              public void committed(ProtectionStatus status) {}
            });
  }

  private synchronized EpochReceiver receiverFor(Message.Hello hello) {
    if (standing.isEmpty()
        || !standing.get().receiver.replica().session().equals(hello.session())) {
      standing = Optional.of(newStanding(hello));
    }
    return standing.get().receiver;
  }

  private Standing newStanding(Message.Hello hello) {
    FakeStandby standby = new FakeStandby();
    standby.stall(stalling);
    standby.prepare(hello.memory(), hello.vcpus());
    ReplicaStore store = new MemoryReplicaStore();
    Replica replica =
        Replica.create(
            store,
            standby.memory(),
            hello.memory(),
            hello.streams(),
            hello.session(),
            hello.fencingToken());
    return new Standing(standby, store, new EpochReceiver(replica, standby, watch));
  }

  /** The standby commits nothing from now on, or goes on. */
  synchronized void stall(boolean on) {
    stalling = on;
    standing.ifPresent(now -> now.standby.stall(on));
  }

  /** The next writing of a stream's thread ends with {@code failure}. */
  synchronized void breakNextEncoding(RuntimeException failure) {
    encodeFailure = Optional.of(failure);
  }

  private synchronized Optional<RuntimeException> encodeFailure() {
    Optional<RuntimeException> due = Optional.empty();
    if (Thread.currentThread().getName().startsWith("encode-")) {
      due = encodeFailure;
      encodeFailure = Optional.empty();
    }
    return due;
  }

  /** The standby's host loses everything that it holds. */
  synchronized void loseReplica() {
    standing.ifPresent(old -> old.receiver.close());
    standing = Optional.empty();
  }

  Standing standing() {
    return standing.orElseThrow();
  }

  private final class Actions implements FailoverActions {
    @Override
    public void fence(Verdict cause) {}

    @Override
    public long activate(Lease granted) {
      try {
        return standing().receiver.takeOver();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void announce(long epoch, FailoverTimes times) {
      running.countDown();
    }

    @Override
    public void changed(FailoverState state, Verdict verdict, String reason) {}
  }

  void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime())
          .as("waiting for %s; %s; standby %s", what, loop.status(), failover.reason())
          .isLessThan(deadline);
      Thread.sleep(2);
    }
  }

  void awaitCheckpoints(long count) throws InterruptedException {
    long from = loop.status().checkpoints();
    await(
        count + " checkpoints",
        () -> loop.status().checkpoints() >= from + count && loop.status().safe());
  }

  void awaitTakeOver() throws InterruptedException {
    assertThat(running.await(30, TimeUnit.SECONDS))
        .as(
            "the standby takes over; it is %s (%s), primary %s",
            failover.state(), failover.reason(), loop.status())
        .isTrue();
  }

  /**
   * After a take-over: the replica is the guest at exactly one tick, its machine state stands at
   * the same tick, and nothing left that it does not know of.
   */
  void checkTakenOver() {
    MemorySegment memory = standing().standby.memory();
    long ticks = FakeGuest.ticks(memory);
    assertThat(standing().standby.activatedTicks()).isEqualTo(ticks);
    MemorySegment expected = arena.allocate(guest.sizeBytes());
    guest.replay(expected, ticks);
    assertThat(memory.mismatch(expected))
        .as("first octet that differs at tick %d", ticks)
        .isEqualTo(-1);
    assertThat(frames.lastLeft()).isLessThanOrEqualTo(ticks);
    checkOutput();
  }

  /** What left is every frame from the first on, in order, once. */
  void checkOutput() {
    long expected = 1;
    for (long frame : frames.left()) {
      assertThat(frame).isEqualTo(expected++);
    }
  }

  @Override
  public void close() {
    loop.close();
    primary.crash();
    watch.close();
    listener.close();
    link.close();
    standing.ifPresent(stand -> {
      stand.receiver.close();
      stand.store.close();
      stand.standby.close();
    });
  }
}
