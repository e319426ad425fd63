package dev.here.net;

import dev.here.ffi.NativeException;
import dev.here.ffi.UnixListener;
import dev.here.ffi.UnixSocket;
import dev.here.ffi.Urgency;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Second descriptors of the connections that a keeper reads its guest's frames from and writes them
 * back to ({@link ConnectionDeposit}). They lie unused while the keeper lives. When it has died
 * without a goodbye the first are read on at once, for QEMU writes to them blocking, and what the
 * guest sends is kept until it may go out: on the second, or by whoever takes it.
 */
public final class DepositedConnections implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DepositedConnections.class);

  /** A process may close a connection a little before it is dead. */
  private static final long DYING_NANOS = 10_000_000_000L;

  private static final long POLL_NANOS = 1_000_000;

  private final UnixListener listener;
  private final BooleanSupplier lives;
  private final Thread thread;
  private final Map<Integer, OrphanedConnection> connections = new TreeMap<>();
  private final Map<Integer, ReturnWay> ways = new TreeMap<>();
  private Optional<UnixSocket> link = Optional.empty();
  private volatile boolean closed;

  /**
   * Listens at a path, which a dead process may have left behind.
   *
   * @param lives whether the keeper does; asked from a thread of this object's own
   * @throws NativeException when it cannot be listened on, with the path
   */
  public static DepositedConnections listen(Path socket, BooleanSupplier lives) {
    return new DepositedConnections(UnixListener.bindOverStale(socket), lives);
  }

  /**
   * As {@link #listen}, where a keeper has died that deposited both connections of card 0; for a
   * rehearsal.
   *
   * @param out this object's from now on, as {@code back} is
   */
  public static DepositedConnections ofDeadKeeper(Path socket, UnixSocket out, UnixSocket back) {
    DepositedConnections connections = listen(socket, () -> false);
    connections.keep(0, out);
    connections.keep(ConnectionDeposit.BACK, back);
    connections.readOn();
    return connections;
  }

  private DepositedConnections(UnixListener listener, BooleanSupplier lives) {
    this.listener = listener;
    this.lives = lives;
    this.thread = Thread.ofPlatform().daemon().name("deposited").start(this::serve);
  }

  /**
   * Tells that the keeper does nothing any more, of which this object would learn only when the
   * kernel has closed the keeper's files. Returns when its connections are read on.
   */
  public synchronized void keeperHasDied() throws InterruptedException {
    long deadline = System.nanoTime() + DYING_NANOS;
    link.ifPresent(UnixSocket::shutdown);
    while (link.isPresent() && System.nanoTime() < deadline) {
      wait(DYING_NANOS / 1_000_000);
    }
  }

  /** Whether a card's connection is read on; at once after the keeper's death. */
  public synchronized boolean readsOn(int card) {
    OrphanedConnection connection = connections.get(card);
    return connection != null && connection.isRead();
  }

  /**
   * Lets a card's frames go back to QEMU from now on, where that is possible: the keeper is dead,
   * and its connections were deposited.
   *
   * @param held gives the frames that go first, in QEMU's framing; from a thread of this object's
   *     own
   */
  public synchronized void pass(int card, Consumer<Consumer<ByteBuffer>> held) {
    OrphanedConnection connection = connections.get(card);
    ReturnWay way = ways.get(card);
    if (connection != null && connection.isRead() && way != null && !way.isBegun()) {
      way.begin(held, connection);
    }
  }

  /** Whether {@link #pass} was possible. */
  public synchronized boolean passes(int card) {
    ReturnWay way = ways.get(card);
    return way != null && way.isBegun();
  }

  /**
   * Ends what {@link #pass} began: when all has gone that QEMU had written before the call, the
   * connection back ends. Does not wait for it.
   */
  public synchronized void endPassing(int card) {
    OrphanedConnection connection = connections.get(card);
    if (connection != null && passes(card)) {
      connection.finish();
    }
  }

  /** The cards of which connections were deposited. */
  public synchronized Set<Integer> cards() {
    return Set.copyOf(connections.keySet());
  }

  /**
   * Gives all frames of a card that have come since the keeper's death, each once, in QEMU's
   * framing ({@link StreamFrameCodec}); what QEMU has written before the call is among them.
   */
  public void take(int card, Consumer<ByteBuffer> way) {
    OrphanedConnection connection;
    synchronized (this) {
      connection = connections.get(card);
    }
    if (connection != null && connection.isRead()) {
      connection.take(way);
    }
  }

  private void serve() {
    while (!closed) {
      try (UnixSocket keeper = listener.accept()) {
        serve(keeper);
      } catch (NativeException e) {
        if (!closed) {
          LOG.warn("a keeper's connections cannot be taken: {}", e.getMessage());
          LockSupport.parkNanos(DYING_NANOS / 100);
        }
      }
    }
  }

  /**
   * With the first message all is done for the first time that taking one needs, which takes long
   * and is not urgent. What follows is seldom anything but the keeper's death, and then clients of
   * a guest wait for it, and for what it begins.
   */
  private void serve(UnixSocket keeper) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = arena.allocate(1);
      Taken first = begin(keeper) ? take(keeper, message) : Taken.NOTHING;
      try (Urgency clientsWait = Urgency.begin()) {
        follow(keeper, message, first);
      }
    }
  }

  private synchronized boolean begin(UnixSocket keeper) {
    link = Optional.of(keeper);
    return !closed;
  }

  private synchronized void end() {
    link = Optional.empty();
    notifyAll();
  }

  /** The link is forgotten before its owner closes it: others shut it down while it is known. */
  private void follow(UnixSocket keeper, MemorySegment message, Taken first) {
    try {
      Taken last = first;
      while (last == Taken.CONNECTION) {
        last = take(keeper, message);
      }
      if (!closed && last == Taken.NOTHING && hasDied()) {
        readOn();
      } else {
        forget();
      }
    } finally {
      end();
    }
  }

  /** What a keeper's next message was. */
  private enum Taken {
    CONNECTION,
    GOODBYE,
    /** It has hung up. */
    NOTHING
  }

  private Taken take(UnixSocket keeper, MemorySegment message) {
    try {
      UnixSocket.Received received = keeper.receive(message, 1);
      if (received.sizeBytes() <= 0) {
        return Taken.NOTHING;
      }
      int octet = Byte.toUnsignedInt(message.get(ValueLayout.JAVA_BYTE, 0));
      received.descriptors().forEach(descriptor -> keep(octet, UnixSocket.adopt(descriptor)));
      return octet == ConnectionDeposit.GOODBYE ? Taken.GOODBYE : Taken.CONNECTION;
    } catch (NativeException e) {
      LOG.debug("a keeper's connection broke: {}", e.getMessage());
      return Taken.NOTHING;
    }
  }

  private synchronized void keep(int octet, UnixSocket socket) {
    if (octet < ConnectionDeposit.BACK) {
      Optional.ofNullable(connections.put(octet, new OrphanedConnection(socket)))
          .ifPresent(OrphanedConnection::close);
    } else {
      Optional.ofNullable(ways.put(octet - ConnectionDeposit.BACK, new ReturnWay(socket)))
          .ifPresent(ReturnWay::close);
    }
  }

  private boolean hasDied() {
    long deadline = System.nanoTime() + DYING_NANOS;
    while (lives.getAsBoolean()) {
      if (closed || System.nanoTime() > deadline) {
        return false;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    return true;
  }

  private synchronized void readOn() {
    connections.values().forEach(OrphanedConnection::begin);
  }

  private synchronized void forget() {
    // Whoever writes waits for what is read.
    connections.values().forEach(OrphanedConnection::close);
    ways.values().forEach(ReturnWay::close);
    connections.clear();
    ways.clear();
  }

  /** Ends the connections of a dead keeper; those of one that lives go on in it. */
  @Override
  public void close() {
    closed = true;
    listener.shutdown();
    synchronized (this) {
      link.ifPresent(UnixSocket::shutdown);
    }
    Joining.await(thread);
    listener.close();
    forget();
  }
}
