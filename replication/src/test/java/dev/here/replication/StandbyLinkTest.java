package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.formats.wire.Ending;
import dev.here.formats.wire.Handshake;
import dev.here.formats.wire.Message;
import dev.here.formats.wire.WireProtocol;
import dev.here.machine.CardLink;
import dev.here.testkit.SampleMachine;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A primary's link to a standby that the test plays. */
class StandbyLinkTest {
  private static final long LONG_NANOS = TimeUnit.SECONDS.toNanos(30);

  private static final byte[] TOKEN = "a token for tests only".getBytes(StandardCharsets.US_ASCII);

  private final Handshake handshake = new Handshake(TOKEN);
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

  @Test
  void aStandbyOfVersion1IsToldOfOneCardAndRefusedTwo() throws Exception {
    CardLink card = new CardLink("br0", 1500, 1, Optional.empty());
    CompletableFuture<Message> heard = CompletableFuture.supplyAsync(this::greetAsVersion1);
    assertThatThrownBy(() -> connect(List.of(card, card)))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("version 1")
        .hasMessageContaining("upgrade HERE");
    assertThatThrownBy(heard::get).hasRootCauseInstanceOf(EOFException.class);
    CompletableFuture<Message> second = CompletableFuture.supplyAsync(this::greetAsVersion1);
    assertThatThrownBy(() -> connect(List.of(card))).isInstanceOf(IOException.class);
    assertThat(second.get())
        .isInstanceOfSatisfying(
            Message.Hello.class,
            hello -> assertThat(hello.cards()).containsExactly(CardLink.UNKNOWN));
  }

  /** Proves that it knows the token, reads one message, and goes. */
  private Message greetAsVersion1() {
    try (SocketChannel channel = server.accept()) {
      ByteBuffer own = ByteBuffer.allocate(48).order(ByteOrder.LITTLE_ENDIAN);
      own.putLong(WireProtocol.MAGIC).putShort((short) 1).putShort((short) 1).clear();
      channel.write(own);
      byte[] theirs = new byte[48 + 32];
      ByteBuffer in = ByteBuffer.wrap(theirs);
      while (in.hasRemaining() && channel.read(in) >= 0) {
        // Preamble and proof.
      }
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(TOKEN, "HmacSHA256"));
      mac.update("here wire acceptor".getBytes(StandardCharsets.US_ASCII));
      mac.update(theirs, 0, 48);
      channel.write(ByteBuffer.wrap(mac.doFinal(own.array())));
      return new Connection(channel, 1).reader().nextMessage();
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private StandbyLink connect() throws IOException {
    return connect(List.of());
  }

  private StandbyLink connect(List<CardLink> cards) throws IOException {
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
            List.of(),
            cards);
    return StandbyLink.connect(Dialer.tcp(address, 1000), handshake, hello, 30_000);
  }

  private Connection accept() {
    try {
      SocketChannel channel = server.accept();
      Connection connection = new Connection(channel, handshake.accept(channel));
      connection.reader().nextMessage();
      connection.write(new Message.Welcome(UUID.randomUUID(), 0));
      return connection;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
