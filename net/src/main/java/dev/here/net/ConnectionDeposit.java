package dev.here.net;

import dev.here.ffi.FileDescriptor;
import dev.here.ffi.NativeException;
import dev.here.ffi.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leaves a second descriptor of each connection that a guest's frames come on, and go back on, with
 * another process, which goes on with them when this one has died ({@link DepositedConnections};
 * docs/specs/frame-gate.md). To QEMU the connection has not ended then, so that it drops nothing.
 * Whenever the other process is not there it is looked for each second.
 */
public final class ConnectionDeposit implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ConnectionDeposit.class);

  /** In place of a card's number: nothing is to be read on, this process ends in order. */
  static final int GOODBYE = 0xff;

  /** Added to a card's number for the connection back. */
  static final int BACK = 0x80;

  /** Cards that can be told apart. */
  static final int MOST_CARDS = GOODBYE - BACK;

  private static final long RETRY_MILLIS = 1000;

  /** Where the connections of one card go. */
  public interface Place {
    /** Nobody reads on. */
    Place NOWHERE =
        new Place() {
          @Override
          public void put(Way way, UnixSocket connection) {}

          @Override
          public void withdraw(Way way) {}
        };

    /** A connection has come, in place of the one before; it stays open until withdrawn. */
    void put(Way way, UnixSocket connection);

    /** The connection ends. */
    void withdraw(Way way);
  }

  /** What a connection carries. */
  public enum Way {
    /** The guest's frames, from QEMU. */
    OUT,
    /** Those that may leave, back to QEMU. */
    BACK
  }

  private final Path socket;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment message = arena.allocate(1);
  private final MemorySegment answer = arena.allocate(1);
  private final Map<Integer, UnixSocket> connections = new TreeMap<>();
  private final Thread thread;
  private Optional<UnixSocket> link = Optional.empty();
  private boolean closed;

  /**
   * Begins to look for who takes them.
   *
   * @param socket where that one listens
   */
  public ConnectionDeposit(Path socket) {
    this.socket = socket;
    this.thread = Thread.ofPlatform().daemon().name("deposit").start(this::follow);
  }

  /** Of a card. */
  public Place place(int card) {
    if (card < 0 || card >= MOST_CARDS) {
      throw new IllegalArgumentException(
          "card %d, must be 0 to %d".formatted(card, MOST_CARDS - 1));
    }
    return new Place() {
      @Override
      public void put(Way way, UnixSocket connection) {
        add(octet(card, way), connection);
      }

      @Override
      public void withdraw(Way way) {
        remove(octet(card, way));
      }
    };
  }

  private static int octet(int card, Way way) {
    return way == Way.OUT ? card : BACK + card;
  }

  private synchronized void add(int octet, UnixSocket connection) {
    connections.put(octet, connection);
    link.ifPresent(there -> send(there, octet, connection.descriptor()));
  }

  private synchronized void remove(int octet) {
    connections.remove(octet);
  }

  private void follow() {
    try {
      while (!isClosed()) {
        try (UnixSocket there = UnixSocket.connect(socket.toString())) {
          follow(there);
        } catch (NativeException e) {
          LOG.debug("nobody takes the guest's connections: {}", e.getMessage());
        }
        pause();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The link is forgotten before its owner closes it: others send over it while it is known. */
  private void follow(UnixSocket there) {
    try {
      begin(there);
      there.receive(answer);
    } finally {
      end();
    }
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  private synchronized void begin(UnixSocket there) {
    if (closed) {
      there.shutdown();
      return;
    }
    link = Optional.of(there);
    connections.forEach((octet, connection) -> send(there, octet, connection.descriptor()));
  }

  private synchronized void end() {
    link = Optional.empty();
  }

  private synchronized void pause() throws InterruptedException {
    if (!closed) {
      wait(RETRY_MILLIS);
    }
  }

  private void send(UnixSocket there, int octet, FileDescriptor... descriptors) {
    try {
      message.set(ValueLayout.JAVA_BYTE, 0, (byte) octet);
      there.send(message, descriptors);
    } catch (NativeException e) {
      LOG.debug("a connection was not taken: {}", e.getMessage());
      there.shutdown();
    }
  }

  /** Says that nothing is to be read on. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      link.ifPresent(there -> {
        send(there, GOODBYE);
        there.shutdown();
      });
      notifyAll();
    }
    Joining.await(thread);
    arena.close();
  }
}
