package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.formats.wire.Ending;
import dev.here.formats.wire.Handshake;
import dev.here.formats.wire.Message;
import dev.here.testkit.SampleMachine;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A primary's link to a standby that the test plays. */
class StandbyLinkTest {
  private static final long LONG_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final Handshake handshake =
      new Handshake("a token for tests only".getBytes(StandardCharsets.US_ASCII));
  private ServerSocketChannel server;

  @BeforeEach
  void listen() throws IOException {
    server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
  }

  @AfterEach
  void close() throws IOException {
    server.close();
  }

  @Test
  void afterAGoodbyeTheStandbyCloses() throws Exception {
    CompletableFuture<List<Connection>> accepted =
        CompletableFuture.supplyAsync(() -> List.of(accept(), accept()));
    StandbyLink link = connect();
    Connection control = accepted.get().get(0);
    Connection stream = accepted.get().get(1);
    link.goodbye(new Message.Goodbye(Ending.UNPROTECT, 7, "by command"), LONG_NANOS);
    Thread closing = Thread.ofVirtual().start(link::close);
    while (closing.isAlive() && closing.getState() != Thread.State.TIMED_WAITING) {
      Thread.sleep(1);
    }
    // The link is whole: what is written to it does not reset it.
    control.write(new Message.Progress(1, 7, false, false, false, 0));
    stream.write(new Message.Progress(1, 7, false, false, false, 0));
    assertThat(control.reader().nextMessage()).isInstanceOf(Message.Goodbye.class);
    assertThat(link.isClosed()).isFalse();
    control.close();
    closing.join();
    assertThat(link.isClosed()).isTrue();
    stream.close();
  }

  @Test
  void aStandbyThatDoesNotCloseIsNotWaitedForForEver() throws Exception {
    CompletableFuture<List<Connection>> accepted =
        CompletableFuture.supplyAsync(() -> List.of(accept(), accept()));
    StandbyLink link = connect();
    link.goodbye(new Message.Goodbye(Ending.UNPROTECT, 7, "by command"), 1_000_000);
    link.close();
    assertThat(link.reason()).isEqualTo("closed by this host");
    accepted.get().forEach(Connection::close);
  }

  private StandbyLink connect() throws IOException {
    InetSocketAddress address =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), server.socket().getLocalPort());
    Message.Hello hello =
        new Message.Hello(
            UUID.randomUUID(),
            UUID.randomUUID(),
            1,
            "test",
            1,
            1,
            SampleMachine.state(1, 1, 16).memory(),
            List.of());
    return StandbyLink.connect(Dialer.tcp(address, 1000), handshake, hello, 30_000);
  }

  private Connection accept() {
    try {
      SocketChannel channel = server.accept();
      handshake.accept(channel);
      Connection connection = new Connection(channel);
      connection.reader().nextMessage();
      connection.write(new Message.Welcome(UUID.randomUUID(), 0));
      return connection;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
