package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.UnixListener;
import dev.here.ffi.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The test plays QEMU, and a keeper of which nothing is left but its connections. */
@Timeout(60)
class DepositedConnectionsTest {
  private static final int CARD = 3;

  @TempDir Path folder;

  private final Arena arena = Arena.ofShared();
  private final AtomicBoolean keeperLives = new AtomicBoolean(true);
  private final List<Integer> taken = new ArrayList<>();
  private final UnixSocket.Pair connection = UnixSocket.pair();
  private final UnixSocket qemu = connection.one();
  private final UnixSocket.Pair returning = UnixSocket.pair();
  private DepositedConnections daemon;
  private UnixSocket keeper;

  @BeforeEach
  void start() {
    daemon = DepositedConnections.listen(socket(), keeperLives::get);
    keeper = UnixSocket.connect(socket().toString());
  }

  @AfterEach
  void end() {
    endBoth();
    qemu.close();
    returning.one().close();
    arena.close();
  }

  private void endBoth() {
    daemon.close();
    keeper.close();
  }

  private Path socket() {
    return folder.resolve("deposit.sock");
  }

  @Test
  void whatADeadKeeperHasNotReadAndWhatComesLaterIsTakenOnce() {
    send(1);
    deposit(connection.other());
    die();
    await(() -> daemon.readsOn(CARD));
    send(2);
    take();
    assertThat(taken).containsExactly(1, 2);
    send(3);
    take();
    assertThat(taken).containsExactly(1, 2, 3);
  }

  @Test
  void qemuNeverWaits() {
    deposit(connection.other());
    die();
    int many = 20_000;
    // Many times what a socket's buffers hold: a blocking send would not return.
    for (int number = 0; number < many; number++) {
      send(number);
    }
    take();
    assertThat(taken).hasSize(many).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void aFrameThatIsBeingWrittenIsWaitedFor() {
    deposit(connection.other());
    die();
    await(() -> daemon.readsOn(CARD));
    MemorySegment frame = frame(7);
    qemu.send(frame.asSlice(0, 5));
    take();
    assertThat(taken).isEmpty();
    qemu.send(frame.asSlice(5));
    take();
    assertThat(taken).containsExactly(7);
  }

  @Test
  void aKeeperThatSaysGoodbyeReadsToTheEndItself() {
    deposit(connection.other());
    MemorySegment goodbye = arena.allocate(1);
    goodbye.set(ValueLayout.JAVA_BYTE, 0, (byte) ConnectionDeposit.GOODBYE);
    keeper.send(goodbye);
    keeperLives.set(false);
    keeper.shutdown();
    // The daemon's was the last descriptor: QEMU's connection ends.
    assertThat(qemu.receive(arena.allocate(1))).isZero();
    assertThat(daemon.readsOn(CARD)).isFalse();
  }

  @Test
  void nothingIsReadBesideAKeeperThatLives() throws InterruptedException {
    deposit(connection.other());
    keeper.shutdown();
    send(1);
    Thread.sleep(200);
    assertThat(daemon.readsOn(CARD)).isFalse();
    take();
    assertThat(taken).isEmpty();
    keeperLives.set(false);
    await(() -> daemon.readsOn(CARD));
    take();
    assertThat(taken).containsExactly(1);
  }

  @Test
  void afterADeadKeeperWhoseFilesTheKernelHasNotClosedYetIsReadOnWhenItIsTold()
      throws InterruptedException {
    deposit(connection.other());
    await(() -> daemon.cards().contains(CARD));
    send(1);
    keeperLives.set(false);
    daemon.keeperHasDied();
    assertThat(daemon.readsOn(CARD)).isTrue();
    take();
    assertThat(taken).containsExactly(1);
  }

  @Test
  void aKeeperMayBeSaidToHaveDiedWhileItsConnectionEnds() throws InterruptedException {
    for (int round = 0; round < 300; round++) {
      die();
      daemon.keeperHasDied();
      endBoth();
      start();
    }
    deposit(connection.other());
    await(() -> daemon.cards().contains(CARD));
  }

  @Test
  void theLatestConnectionOfACardCounts() {
    UnixSocket.Pair before = UnixSocket.pair();
    deposit(before.other());
    deposit(connection.other());
    die();
    await(() -> daemon.readsOn(CARD));
    assertThat(before.one().receive(arena.allocate(1))).isZero();
    before.one().close();
    send(5);
    take();
    assertThat(taken).containsExactly(5);
  }

  @Test
  void aStreamThatIsNoneOfFramesEnds() {
    deposit(connection.other());
    die();
    send(1);
    MemorySegment rubbish = arena.allocate(64);
    rubbish.fill((byte) 0x77);
    qemu.send(rubbish);
    await(() -> daemon.readsOn(CARD));
    take();
    assertThat(taken).containsExactly(1);
  }

  @Test
  void ofACardThatNobodyDepositedThereIsNothing() {
    die();
    assertThat(daemon.readsOn(CARD)).isFalse();
    take();
    assertThat(taken).isEmpty();
  }

  @Test
  void framesGoBackToQemuBehindThoseThatWereHeld() {
    send(2);
    deposit(connection.other());
    depositReturning();
    die();
    await(() -> daemon.readsOn(CARD));
    assertThat(daemon.cards()).containsExactly(CARD);
    assertThat(daemon.passes(CARD)).isFalse();
    daemon.pass(CARD, way -> way.accept(buffer(1)));
    assertThat(daemon.passes(CARD)).isTrue();
    assertThat(returned()).isEqualTo(1);
    assertThat(returned()).isEqualTo(2);
    send(3);
    assertThat(returned()).isEqualTo(3);
    send(4);
    daemon.endPassing(CARD);
    assertThat(returned()).isEqualTo(4);
    assertThat(returning.one().receive(arena.allocate(1))).isZero();
    take();
    assertThat(taken).isEmpty();
  }

  @Test
  void qemuNeverWaitsForWhatItDoesNotTakeBack() {
    deposit(connection.other());
    depositReturning();
    die();
    await(() -> daemon.readsOn(CARD));
    daemon.pass(CARD, way -> {});
    int many = 20_000;
    for (int number = 0; number < many; number++) {
      send(number);
    }
    for (int number = 0; number < many; number++) {
      assertThat(returned()).isEqualTo(number);
    }
  }

  @Test
  void aDaemonThatEndsDoesNotWaitForQemu() {
    deposit(connection.other());
    depositReturning();
    die();
    await(() -> daemon.readsOn(CARD));
    daemon.pass(
        CARD,
        way -> {
          for (int number = 0; number < 20_000; number++) {
            way.accept(buffer(number));
          }
        });
    // What ends each test ends this one, though QEMU takes nothing.
    assertThat(daemon.passes(CARD)).isTrue();
  }

  @Test
  void framesGoBackOnlyWhereBothConnectionsWereDeposited() {
    depositReturning();
    die();
    daemon.pass(CARD, way -> {});
    assertThat(daemon.passes(CARD)).isFalse();
    assertThat(daemon.cards()).isEmpty();
  }

  @Test
  void aDepositFindsTheDaemonAgainAndSaysGoodbye() {
    Path place = folder.resolve("again.sock");
    UnixListener listener = UnixListener.bind(place);
    var deposit = new ConnectionDeposit(place);
    try {
      deposit.place(CARD).put(ConnectionDeposit.Way.OUT, connection.other());
      expectDeposit(listener);
      listener.close();
      listener = UnixListener.bind(place);
      expectDeposit(listener);
      deposit.place(CARD).withdraw(ConnectionDeposit.Way.OUT);
      try (UnixSocket link = listener.accept()) {
        Thread closing = Thread.ofPlatform().start(deposit::close);
        MemorySegment message = arena.allocate(1);
        assertThat(link.receive(message)).isEqualTo(1);
        assertThat(Byte.toUnsignedInt(message.get(ValueLayout.JAVA_BYTE, 0)))
            .isEqualTo(ConnectionDeposit.GOODBYE);
        Joining.await(closing);
      }
    } finally {
      listener.close();
    }
  }

  @Test
  void aDepositMayEndWhileTheDaemonDies() {
    Path place = folder.resolve("dying.sock");
    try (UnixListener listener = UnixListener.bind(place)) {
      for (int round = 0; round < 300; round++) {
        try (var deposit = new ConnectionDeposit(place)) {
          listener.accept().close();
          deposit.place(CARD).put(ConnectionDeposit.Way.OUT, connection.other());
        }
      }
    }
  }

  private void expectDeposit(UnixListener listener) {
    try (UnixSocket link = listener.accept()) {
      MemorySegment message = arena.allocate(1);
      UnixSocket.Received received = link.receive(message, 1);
      assertThat(Byte.toUnsignedInt(message.get(ValueLayout.JAVA_BYTE, 0))).isEqualTo(CARD);
      assertThat(received.descriptors()).hasSize(1);
      received.descriptors().getFirst().close();
    }
  }

  /** As a keeper does; its own descriptor goes with it. */
  private void deposit(UnixSocket end) {
    deposit(end, CARD);
  }

  private void depositReturning() {
    deposit(returning.other(), CARD + ConnectionDeposit.BACK);
  }

  private void deposit(UnixSocket end, int octet) {
    MemorySegment message = arena.allocate(1);
    message.set(ValueLayout.JAVA_BYTE, 0, (byte) octet);
    keeper.send(message, end.descriptor());
    end.close();
  }

  /** The number of the next frame that QEMU gets back. */
  private int returned() {
    MemorySegment into = arena.allocate(frame(0).byteSize());
    for (long have = 0; have < into.byteSize(); ) {
      have += returning.one().receive(into.asSlice(have));
    }
    return into.get(ValueLayout.JAVA_INT_UNALIGNED, 8L + FramePort.HEADER_BYTES);
  }

  private ByteBuffer buffer(int number) {
    return frame(number).asByteBuffer();
  }

  private void die() {
    keeper.shutdown();
    keeperLives.set(false);
  }

  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      Thread.onSpinWait();
    }
  }

  private void send(int number) {
    qemu.send(frame(number));
  }

  private MemorySegment frame(int number) {
    int length = FramePort.HEADER_BYTES + 60;
    MemorySegment record = arena.allocate(length, 8);
    record.set(ValueLayout.JAVA_INT, FramePort.HEADER_BYTES, number);
    MemorySegment encoded = arena.allocate(length + 8L, 8);
    int size = StreamFrameCodec.encode(record, length, true, FramePort.HEADER_BYTES, encoded);
    return encoded.asSlice(0, size);
  }

  private void take() {
    daemon.take(
        CARD,
        frame ->
            taken.add(
                MemorySegment.ofBuffer(frame)
                    .get(ValueLayout.JAVA_INT_UNALIGNED, 8L + FramePort.HEADER_BYTES)));
  }
}
