package dev.here.replication;

import dev.here.formats.wire.Handshake;
import dev.here.formats.wire.Message;
import dev.here.formats.wire.RefusalCode;
import dev.here.formats.wire.WireException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts peers' connections on one TCP address, lets each prove that it knows the shared token,
 * and hands it to the receiver of its VM. Waiting is done on virtual threads, decoding pages on
 * platform threads. A connection that has not said what it wants within the time-out is closed.
 */
public final class PeerListener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PeerListener.class);
  private static final int MAX_UNPROVEN = 64;

  private final ServerSocketChannel server;
  private final Handshake handshake;
  private final ReplicaDirectory directory;
  private final long greetingMillis;
  private final Map<UUID, EpochReceiver> sessions = new ConcurrentHashMap<>();
  private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();
  private final Semaphore unproven = new Semaphore(MAX_UNPROVEN);

  /**
   * Listens on {@code address} at once.
   *
   * @param greetingMillis longest time from a connection's arrival to its first message
   */
  public PeerListener(
      InetSocketAddress address,
      Handshake handshake,
      ReplicaDirectory directory,
      long greetingMillis) {
    this.handshake = handshake;
    this.directory = directory;
    this.greetingMillis = greetingMillis;
    try {
      server = ServerSocketChannel.open();
    } catch (IOException e) {
      throw new ReplicationException("cannot open a socket: " + e.getMessage(), e);
    }
    try {
      server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      server.bind(address);
    } catch (IOException e) {
      close();
      throw new ReplicationException(
          "cannot listen on %s: %s; give another address or end who uses it"
              .formatted(address, e.getMessage()),
          e);
    }
    Thread.ofVirtual().name("peer-listener").start(this::accept);
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return new InetSocketAddress(server.socket().getInetAddress(), server.socket().getLocalPort());
  }

  private void accept() {
    while (server.isOpen()) {
      try {
        SocketChannel channel = server.accept();
        if (unproven.tryAcquire()) {
          open.add(channel);
          Thread.ofVirtual().name("peer").start(() -> greet(channel));
        } else {
          channel.close();
        }
      } catch (IOException | RuntimeException e) {
        if (server.isOpen()) {
          LOG.warn("a connection could not be accepted: {}", e.getMessage());
          pauseAfterFailure();
        }
      }
    }
  }

  /** Out of descriptors, for example: trying again at once would only burn the processor. */
  private static void pauseAfterFailure() {
    try {
      Thread.sleep(100);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void greet(SocketChannel channel) {
    Thread watch = Thread.ofVirtual().start(() -> closeAfter(channel));
    boolean proven = false;
    try (channel) {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      Connection connection = new Connection(channel, handshake.accept(channel));
      Message first = connection.reader().nextMessage();
      watch.interrupt();
      unproven.release();
      proven = true;
      serve(connection, first);
    } catch (WireException e) {
      LOG.warn("a peer was turned away: {}", e.getMessage());
    } catch (IOException e) {
      LOG.debug("a peer went before it said what it wants: {}", e.getMessage());
    } catch (RuntimeException e) {
      LOG.error("a peer's session ended", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      watch.interrupt();
      if (!proven) {
        unproven.release();
      }
      open.remove(channel);
    }
  }

  private void closeAfter(SocketChannel channel) {
    try {
      Thread.sleep(greetingMillis);
      channel.close();
    } catch (InterruptedException e) {
      // The peer has spoken in time.
    } catch (IOException e) {
      LOG.debug("closing a silent connection failed: {}", e.getMessage());
    }
  }

  private void serve(Connection connection, Message first)
      throws IOException, InterruptedException {
    try {
      switch (first) {
        case Message.Hello hello -> serveControl(connection, hello);
        case Message.Attach attach -> serveStream(connection, attach);
        default ->
            throw new RefusedException(
                RefusalCode.PROTOCOL, "a connection does not begin with " + first.type());
      }
    } catch (RefusedException e) {
      connection.write(new Message.Refusal(e.code(), String.valueOf(e.getMessage())));
    }
  }

  private void serveControl(Connection connection, Message.Hello hello)
      throws InterruptedException {
    EpochReceiver receiver = directory.receiverFor(hello);
    ReceiverSession session = receiver.open(hello, connection);
    sessions.put(hello.session(), receiver);
    receiver.control(session);
  }

  private void serveStream(Connection connection, Message.Attach attach)
      throws InterruptedException {
    EpochReceiver receiver = sessions.get(attach.session());
    if (receiver == null) {
      throw new RefusedException(RefusalCode.UNKNOWN_VM, "the session is not known here");
    }
    Thread worker =
        Thread.ofPlatform()
            .name("stream-" + attach.stream())
            .daemon()
            .start(() -> readStream(receiver, attach.stream(), connection));
    worker.join();
  }

  private static void readStream(EpochReceiver receiver, int stream, Connection connection) {
    try {
      receiver.stream(stream, connection);
    } catch (RefusedException e) {
      try {
        connection.write(new Message.Refusal(e.code(), String.valueOf(e.getMessage())));
      } catch (IOException gone) {
        LOG.debug("a refused stream was gone already: {}", gone.getMessage());
      }
    } catch (IOException e) {
      LOG.debug("data stream {} ended: {}", stream, e.getMessage());
    }
  }

  /** Stops listening and closes all connections; receivers stay open. */
  @Override
  public void close() {
    try {
      server.close();
      for (SocketChannel channel : open) {
        channel.close();
      }
    } catch (IOException e) {
      LOG.warn("the listener's sockets could not all be closed: {}", e.getMessage());
    }
  }
}
