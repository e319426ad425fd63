package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@Tag("qemu")
@Timeout(60)
class QemuNicRedirectTest {
  @TempDir Path folder;
  private final List<SocketChannel> unread = new ArrayList<>();

  @AfterEach
  void close() throws IOException {
    for (SocketChannel channel : unread) {
      channel.close();
    }
  }

  private ServerSocketChannel listen(String name) throws Exception {
    var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(folder.resolve(name)));
    return server;
  }

  private QemuNicRedirect attach(RunningQemu qemu) {
    return QemuNicRedirect.attach(
        qemu.qmp(),
        qemu.inventory().nics().getFirst(),
        0,
        folder.resolve("out"),
        folder.resolve("in"),
        RunningQemu.TIMEOUT);
  }

  @Test
  void filtersComeAndGoAndLeftoversAreRemoved() throws Exception {
    try (var qemu =
            RunningQemu.start(
                folder,
                "-machine",
                "pc",
                "-m",
                "64",
                "-nic",
                "user,restrict=on,model=virtio-net-pci,id=n0");
        var out = listen("out");
        var in = listen("in")) {
      try (var redirect = attach(qemu)) {
        out.accept().close();
        in.accept().close();
        assertThat(qemu.inventory().network().backend("n0").orElseThrow().filters())
            .containsExactly("here-nic0-in-filter", "here-nic0-out-filter");
        assertThatThrownBy(() -> attach(qemu)).hasMessageContaining("of another protection");
        assertThat(qemu.inventory().network().backend("n0").orElseThrow().filters()).hasSize(2);
      }
      assertThat(QemuCleanup.undo(qemu.qmp(), QemuTimeouts.DEFAULT, Optional.empty())).isEmpty();
      attach(qemu);
      assertThat(QemuCleanup.undo(qemu.qmp(), QemuTimeouts.DEFAULT, Optional.empty()))
          .containsExactlyInAnyOrder(
              "removed filter here-nic0-in-filter",
              "removed filter here-nic0-out-filter",
              "removed socket here-nic0-in",
              "removed socket here-nic0-out");
      assertThat(qemu.inventory().network().backend("n0").orElseThrow().filters()).isEmpty();
    }
  }

  /** Frames of a dead keeper as the other end of QEMU's back end sees them, whole and in order. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatADeadKeeperHeldGoesOut(boolean guestRuns) throws Exception {
    int frames = 300;
    try (var network = ServerSocketChannel.open().bind(loopback());
        var qemu = RunningQemu.start(folder, socketNetwork(network));
        var link = network.accept();
        var out = listen("out");
        var in = listen("in")) {
      attach(qemu);
      out.accept().close();
      in.accept().close();
      if (guestRuns) {
        qemu.qmp().execute("cont", RunningQemu.TIMEOUT);
      }
      assertThat(
              QemuCleanup.undo(
                  qemu.qmp(),
                  QemuTimeouts.DEFAULT,
                  Optional.of(new NumberedFrames(frames, folder))))
          .startsWith(
              "removed filter here-nic0-out-filter", "let out 300 frames that were held of card 0")
          .contains("removed filter here-nic0-held-filter", "removed socket here-nic0-held");
      if (!guestRuns) {
        // A back end takes frames of a card only while its guest runs.
        qemu.qmp().execute("cont", RunningQemu.TIMEOUT);
      }
      for (int number = 0; number < frames; number++) {
        assertThat(NumberedFrames.read(link)).isEqualTo(number);
      }
      assertThat(folder.resolve("held0.sock")).doesNotExist();
    }
  }

  @Test
  void aQemuThatTakesNoFramesIsNotWaitedForForEver() throws Exception {
    try (var monitor = new ScriptedMonitor(folder.resolve("monitor"));
        var qmp = QmpClient.connect(folder.resolve("monitor"), RunningQemu.TIMEOUT)) {
      monitor.answer("qom-list", "[{\"name\": \"here-nic0-in-filter\"}]");
      monitor.answer("qom-get", "\"n0\"");
      monitor.answer("object-add", ScriptedMonitor.OK);
      monitor.answer("chardev-add", ScriptedMonitor.OK);
      monitor.answer("object-del", ScriptedMonitor.OK);
      assertThat(
              QemuNicRedirect.letOut(
                  qmp, Optional.of(new NumberedFrames(1, folder)), RunningQemu.TIMEOUT))
          .hasSize(2)
          .first(InstanceOfAssertFactories.STRING)
          .startsWith("frames that were held of card 0 are lost: ")
          .contains("did not connect");
      monitor.answers.put("chardev-add", this::connectAndNeverRead);
      assertThat(
              QemuNicRedirect.letOut(
                  qmp, Optional.of(new NumberedFrames(10_000, folder)), Duration.ofMillis(300)))
          .hasSize(2)
          .first(InstanceOfAssertFactories.STRING)
          .contains("does not take them");
    }
  }

  private Optional<String> connectAndNeverRead(JsonNode request) {
    try {
      unread.add(SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("held0.sock"))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Optional.of("{\"return\": {}}");
  }

  private static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  private static String[] socketNetwork(ServerSocketChannel network) throws IOException {
    int port = ((InetSocketAddress) network.getLocalAddress()).getPort();
    return new String[] {
      "-machine",
      "pc",
      "-S",
      "-m",
      "64",
      "-nic",
      "socket,connect=127.0.0.1:" + port + ",model=virtio-net-pci,id=n0"
    };
  }

  /** Frames of different lengths that carry their number; the socket back end has no header. */
  private record NumberedFrames(int count, Path folder, AtomicInteger given)
      implements HeldFrameSource {
    private static final int ETHERNET_HEADER_BYTES = 14;

    NumberedFrames(int count, Path folder) {
      this(count, folder, new AtomicInteger());
    }

    static int length(int number) {
      return 60 + number * 37 % 1400;
    }

    @Override
    public boolean holds(int card) {
      return card == 0;
    }

    @Override
    public void letOut(int card, Consumer<ByteBuffer> way) {
      var frame = ByteBuffer.allocate(2000);
      // The second half comes while the first is let out.
      int end = given.get() == 0 ? count - count / 2 : count;
      for (int number = given.getAndSet(end); number < end; number++) {
        frame.clear().putInt(length(number)).putInt(0);
        frame.putInt(8 + ETHERNET_HEADER_BYTES, number);
        way.accept(frame.position(0).limit(8 + length(number)));
      }
    }

    /** The number of the next frame on QEMU's TCP link: u32 length, big-endian, and the frame. */
    static int read(SocketChannel link) throws IOException {
      int length = read(link, 4).getInt(0);
      ByteBuffer frame = read(link, length);
      int number = frame.getInt(ETHERNET_HEADER_BYTES);
      assertThat(length).isEqualTo(length(number));
      return number;
    }

    private static ByteBuffer read(SocketChannel link, int size) throws IOException {
      var octets = ByteBuffer.allocate(size);
      while (octets.hasRemaining()) {
        assertThat(link.read(octets)).isPositive();
      }
      return octets;
    }
  }
}
