package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;

/**
 * The end of a dead keeper's gate: what it held, and what has come after, goes out before its
 * filters go. Where that does not go the way that the gate had, it goes past it: by one more
 * redirector, behind all others on the guest's way out. The dead keeper's own would connect again
 * only after a second. It has the form of the gate's own socket and filter, and goes with them.
 */
final class HeldFrameOutlet implements AutoCloseable {
  private static final long POLL_NANOS = 1_000_000;

  private final QmpClient qmp;
  private final Duration timeout;
  private final String name;
  private final Path path;
  private final ServerSocketChannel server;
  private final SocketChannel channel;
  private final long deadline;
  private int frames;

  /**
   * Lets out what the gates of all cards held that have filters of ours.
   *
   * @return what was done, a line for each card that had frames; also where it failed: they are
   *     lost then, as on a network
   */
  static List<String> letOut(QmpClient qmp, HeldFrameSource held, Duration timeout) {
    var done = new ArrayList<String>();
    for (String filter : QemuNicRedirect.filters(qmp, timeout, QemuNicRedirect.ID_PREFIX)) {
      OptionalInt card = RedirectNames.cardOfInFilter(filter);
      if (card.isPresent()) {
        var names = new RedirectNames(card.getAsInt());
        if (held.passes(names.card())) {
          endPassing(qmp, names, held, timeout, done);
        } else if (held.holds(names.card())) {
          letOut(qmp, names, held, timeout, done);
        }
      }
    }
    return done;
  }

  /** What the guest sends takes the direct way when the out filter is gone. */
  private static void endPassing(
      QmpClient qmp,
      RedirectNames names,
      HeldFrameSource held,
      Duration timeout,
      List<String> done) {
    removeOutFilter(qmp, names, timeout, done);
    held.endPassing(names.card());
    done.add(
        QemuNicRedirect.awaitDisconnected(qmp, names.in(), timeout)
            ? "let out the frames that were held of card " + names.card()
            : "frames of card %d that QEMU does not take are lost".formatted(names.card()));
  }

  private static void removeOutFilter(
      QmpClient qmp, RedirectNames names, Duration timeout, List<String> done) {
    String filter = RedirectNames.filterOf(names.out());
    QemuNicRedirect.removeFilter(qmp, filter, timeout);
    done.add("removed filter " + filter);
  }

  /**
   * What comes while this is done goes the same way, until frames take the direct one; the last of
   * them are overtaken by some of those.
   */
  private static void letOut(
      QmpClient qmp,
      RedirectNames names,
      HeldFrameSource held,
      Duration timeout,
      List<String> done) {
    int card = names.card();
    try (var outlet = new HeldFrameOutlet(qmp, names, held.folder(), timeout)) {
      outlet.addFilter(RedirectNames.filterOf(names.in()));
      held.letOut(card, outlet::write);
      removeOutFilter(qmp, names, timeout, done);
      held.letOut(card, outlet::write);
      outlet.finish();
      done.add("let out %d frames that were held of card %d".formatted(outlet.frames, card));
    } catch (HypervisorException | IOException | UncheckedIOException e) {
      done.add("frames that were held of card %d are lost: %s".formatted(card, e.getMessage()));
    }
  }

  private HeldFrameOutlet(QmpClient qmp, RedirectNames names, Path folder, Duration timeout)
      throws IOException {
    this.qmp = qmp;
    this.timeout = timeout;
    this.deadline = System.nanoTime() + timeout.toNanos();
    this.name = names.held();
    this.path = folder.resolve("held" + names.card() + ".sock");
    Files.deleteIfExists(path);
    this.server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      server.bind(UnixDomainSocketAddress.of(path)).configureBlocking(false);
      QemuNicRedirect.addSocket(qmp, name, path, Map.of(), timeout);
      this.channel = accept();
    } catch (IOException | RuntimeException e) {
      server.close();
      Files.deleteIfExists(path);
      throw e;
    }
  }

  /** QEMU has connected when it answers. */
  private SocketChannel accept() throws IOException {
    SocketChannel accepted = server.accept();
    if (accepted == null) {
      throw new HypervisorException(
          "QEMU at %s did not connect to %s".formatted(qmp.socket(), path));
    }
    accepted.configureBlocking(false);
    return accepted;
  }

  /** At the head of the back end's list, which the guest's frames go through from the tail. */
  private void addFilter(String inFilter) {
    String netdev =
        qmp.execute(
                "qom-get", Map.of("path", "/objects/" + inFilter, "property", "netdev"), timeout)
            .asString("");
    QemuNicRedirect.addFilter(
        qmp, name, netdev, Map.of("indev", name, "position", "head"), timeout);
  }

  private void write(ByteBuffer frame) {
    try {
      while (frame.hasRemaining()) {
        if (channel.write(frame) == 0) {
          pause();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    frames++;
  }

  /** Returns when QEMU has taken everything. */
  private void finish() throws IOException {
    channel.shutdownOutput();
    if (!QemuNicRedirect.awaitDisconnected(qmp, name, timeout)) {
      throw notTaken();
    }
  }

  private void pause() {
    if (System.nanoTime() > deadline) {
      throw notTaken();
    }
    LockSupport.parkNanos(POLL_NANOS);
  }

  private HypervisorException notTaken() {
    return new HypervisorException("QEMU at %s does not take them".formatted(qmp.socket()));
  }

  @Override
  public void close() throws IOException {
    channel.close();
    server.close();
    Files.deleteIfExists(path);
  }
}
