package dev.here.replication;

import dev.here.formats.wire.Handshake;
import dev.here.formats.wire.Message;
import dev.here.formats.wire.RefusalCode;
import dev.here.formats.wire.WireException;
import dev.here.formats.wire.WireProtocol;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.ByteChannel;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The primary's connections to one standby: control and data streams of one session, and the thread
 * that reads what the standby says. When one of them breaks, all are closed and the link is of no
 * use any more; a new one takes its place.
 */
final class StandbyLink implements AutoCloseable {
  /** The connections' channels, that of one which is not proven yet included. */
  private final List<ByteChannel> dialled = new CopyOnWriteArrayList<>();

  private final List<Connection> connections = new CopyOnWriteArrayList<>();
  private volatile Optional<RefusedException> refusal = Optional.empty();

  /** How long the standby may take to close after a goodbye; 0 when none was sent. */
  private volatile long goodbyeNanos;

  /** Since when an answer to a heartbeat is awaited. */
  private final AtomicReference<OptionalLong> askedNanos =
      new AtomicReference<>(OptionalLong.empty());

  private Message.Welcome welcome = new Message.Welcome(new UUID(0, 0), 0);
  private final Acknowledgements acknowledgements = new Acknowledgements();

  private StandbyLink() {}

  /**
   * Connects, proves, opens the session with all its data streams.
   *
   * @throws RefusedException when the standby says no
   * @throws IOException when it cannot be reached or the connection broke
   * @throws WireException when it does not keep to the protocol
   */
  static StandbyLink connect(
      Dialer dialer, Handshake handshake, Message.Hello hello, long timeoutMillis)
      throws IOException {
    StandbyLink link = new StandbyLink();
    Thread watch = Thread.ofVirtual().start(() -> link.failAfter(timeoutMillis));
    try {
      link.welcome = link.openConnection(dialer, handshake, hello);
      for (int stream = 0; stream < hello.streams(); stream++) {
        link.openConnection(dialer, handshake, new Message.Attach(hello.session(), stream));
      }
      link.acknowledgements.acknowledged(link.welcome.committedEpoch(), 0);
      if (link.isClosed()) {
        throw new IOException(link.reason());
      }
    } catch (IOException | RuntimeException e) {
      link.close();
      throw e;
    } finally {
      watch.interrupt();
    }
    Thread.ofVirtual().name("standby-link").start(link::readControl);
    return link;
  }

  /**
   * A peer whose kernel accepts connections may still be hung: it gets so much time and no more.
   */
  private void failAfter(long timeoutMillis) {
    try {
      Thread.sleep(timeoutMillis);
      fail("the standby did not answer within %d ms".formatted(timeoutMillis));
    } catch (InterruptedException e) {
      // It has answered in time.
    }
  }

  private Message.Welcome openConnection(Dialer dialer, Handshake handshake, Message first)
      throws IOException {
    Connection connection = open(dialer, handshake, first);
    connection.write(first);
    return switch (connection.reader().nextMessage()) {
      case Message.Welcome answer -> answer;
      case Message.Refusal refusal -> throw new RefusedException(refusal.code(), refusal.reason());
      case Message other -> throw new WireException("the standby answered with " + other.type());
    };
  }

  private Connection open(Dialer dialer, Handshake handshake, Message first) throws IOException {
    ByteChannel channel = dialer.dial();
    dialled.add(channel);
    int version = handshake.initiate(channel);
    Connection connection = new Connection(channel, version);
    connections.add(connection);
    if (first instanceof Message.Hello hello) {
      requireCards(hello, version);
    }
    return connection;
  }

  /**
   * A standby of version 1 makes one port in the one bridge that it has, and would leave the guest
   * without the rest.
   */
  private static void requireCards(Message.Hello hello, int version) {
    boolean more =
        hello.cards().size() > 1
            || hello.cards().stream()
                .anyMatch(card -> card.queuePairs() > 1 || card.vlans().isPresent());
    if (version < WireProtocol.CARDS_VERSION && more) {
      throw new RefusedException(
          RefusalCode.UNSUITABLE,
          "the standby speaks version %d of the protocol, which has no place for several cards, their queues and VLANs: upgrade HERE there"
              .formatted(version));
    }
  }

  /** What the standby held when the session was opened. */
  Message.Welcome welcome() {
    return welcome;
  }

  Acknowledgements acknowledgements() {
    return acknowledgements;
  }

  int streams() {
    return connections.size() - 1;
  }

  Connection stream(int stream) {
    return connections.get(1 + stream);
  }

  /** Sends a control message; a broken link is closed first. */
  void send(Message message) throws IOException {
    try {
      connections.getFirst().write(message);
    } catch (IOException e) {
      fail("the connection to the standby broke: " + e.getMessage());
      throw e;
    }
  }

  /** Ends the session: {@link #close} will give the standby {@code nanos} to close it. */
  void goodbye(Message.Goodbye goodbye, long nanos) throws IOException {
    send(goodbye);
    goodbyeNanos = nanos;
  }

  boolean isClosed() {
    return acknowledgements.isClosed();
  }

  /** Sends a heartbeat, which the standby answers. */
  void ask(Message.Progress heartbeat) throws IOException {
    askedNanos.compareAndSet(OptionalLong.empty(), OptionalLong.of(System.nanoTime()));
    send(heartbeat);
  }

  /**
   * How long the standby has owed an answer. Time in which nothing was asked of it does not count:
   * it speaks only when it is spoken to.
   */
  long silentNanos(long nowNanos) {
    OptionalLong asked = askedNanos.get();
    return asked.isPresent() ? nowNanos - asked.getAsLong() : 0;
  }

  /** The refusal that closed it, if one did. */
  Optional<RefusedException> refusal() {
    return refusal;
  }

  /** Why it is closed. */
  String reason() {
    return acknowledgements.reason();
  }

  /** Octets sent on all connections. */
  long sentBytes() {
    long sum = 0;
    for (Connection connection : connections) {
      sum += connection.sentBytes();
    }
    return sum;
  }

  /** Closes everything; the first reason is kept. */
  void fail(String reason) {
    acknowledgements.close(reason);
    dialled.forEach(Connection::close);
  }

  private void readControl() {
    try {
      while (true) {
        receive(connections.getFirst().reader().nextMessage());
      }
    } catch (EOFException e) {
      fail("the standby closed the connection");
    } catch (IOException | WireException e) {
      fail("the connection to the standby broke: " + e.getMessage());
    } catch (RefusedException e) {
      refusal = Optional.of(e);
      fail("the standby refused (%s): %s".formatted(e.code(), e.getMessage()));
    } catch (RuntimeException e) {
      fail("what the standby said could not be used: " + e);
    }
  }

  private void receive(Message message) {
    askedNanos.set(OptionalLong.empty());
    switch (message) {
      case Message.Ack ack -> acknowledgements.acknowledged(ack.epoch(), ack.commitNanos());
      case Message.Progress progress -> {
        // Its arrival is all that it says.
      }
      case Message.Refusal refusal -> throw new RefusedException(refusal.code(), refusal.reason());
      default ->
          throw new RefusedException(
              RefusalCode.PROTOCOL, "a standby does not send " + message.type());
    }
  }

  /**
   * Closes all connections. After a goodbye that is the standby's to do, and only when it does not
   * in time ours: what it has not read of a connection that we close, it may never read (TCP resets
   * a connection that is closed while something came for it).
   */
  @Override
  public void close() {
    try {
      acknowledgements.awaitClose(goodbyeNanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    fail("closed by this host");
  }
}
