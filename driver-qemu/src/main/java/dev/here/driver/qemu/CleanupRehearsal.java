package dev.here.driver.qemu;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Undoes the leavings of a protection that never was, in a monitor that answers from a script. A
 * daemon undoes a dead keeper's leavings at most now and then, and the guest's clients wait for it:
 * the first time in a process takes a slow host seconds, later ones tenths of one.
 */
public final class CleanupRehearsal {
  private static final Logger LOG = LoggerFactory.getLogger(CleanupRehearsal.class);
  private static final AtomicBoolean BEGUN = new AtomicBoolean();
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private CleanupRehearsal() {}

  /**
   * Begins in the background, once a process; a failure is logged and has no other effect.
   *
   * @param held what a gate of card 0 held, written to a folder that it is given
   */
  public static void begin(Function<Path, HeldFrameSource> held) {
    if (!BEGUN.compareAndSet(false, true)) {
      return;
    }
    Thread.ofPlatform()
        .name("cleanup-rehearsal")
        .daemon()
        .start(() -> {
          try {
            long began = System.nanoTime();
            run(held);
            LOG.info(
                "what is done after a keeper's death was rehearsed in {} ms",
                (System.nanoTime() - began) / 1_000_000);
          } catch (IOException | RuntimeException e) {
            LOG.warn("no rehearsal of what is done after a keeper's death, it takes longer", e);
          }
        });
  }

  /** Rehearses; what was undone, as {@link QemuCleanup#undo} says it. */
  static List<String> run(Function<Path, HeldFrameSource> held) throws IOException {
    Path folder = Files.createTempDirectory("here-rehearsal-");
    Path socket = folder.resolve("qmp.sock");
    HeldFrameSource source = held.apply(folder);
    try (ScriptedMonitor monitor = new ScriptedMonitor(socket)) {
      leave(monitor);
      try (QmpClient qmp = QmpClient.connect(socket, PATIENCE)) {
        return QemuCleanup.undo(qmp, QemuTimeouts.DEFAULT, Optional.of(source));
      }
    } finally {
      deleteWithFiles(folder);
    }
  }

  private static void deleteWithFiles(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  /** What a keeper leaves that dies while its guest is in a checkpoint. */
  private static void leave(ScriptedMonitor monitor) {
    var left = new AtomicBoolean();
    monitor.answers.put(
        "query-migrate",
        request ->
            Optional.of(
                "{\"return\": {\"status\": \"%s\"}}".formatted(left.get() ? "completed" : "colo")));
    monitor.answers.put(
        "x-colo-lost-heartbeat",
        request -> {
          left.set(true);
          return Optional.of("{\"return\": {}}");
        });
    monitor.answer("query-status", "{\"status\": \"running\"}");
    var filters =
        new ConcurrentSkipListSet<>(Set.of("here-nic0-in-filter", "here-nic0-out-filter"));
    monitor.answers.put("qom-list", request -> Optional.of(listed(filters)));
    monitor.answers.put(
        "object-del",
        request -> {
          filters.remove(request.path("arguments").path("id").asString(""));
          return Optional.of("{\"return\": {}}");
        });
    monitor.answer(
        "query-chardev",
        "[{\"label\": \"here-nic0-in\"}, {\"label\": \"here-nic0-out\"},"
            + " {\"label\": \"here-nic0-held\", \"filename\": \"disconnected:unix\"}]");
    monitor.answer(
        "query-migrate-parameters",
        "{\"x-checkpoint-delay\": %d}".formatted(MigrationSettings.DELAY_MILLIS));
    monitor.answers.put("chardev-add", CleanupRehearsal::connect);
    monitor.answer("qom-get", "\"netdev\"");
    for (String command :
        List.of(
            "object-add", "chardev-remove", "migrate-set-parameters", "migrate-set-capabilities")) {
      monitor.answer(command, ScriptedMonitor.OK);
    }
  }

  private static String listed(Set<String> names) {
    return names.stream()
        .map("{\"name\": \"%s\"}"::formatted)
        .collect(Collectors.joining(", ", "{\"return\": [", "]}"));
  }

  /** A chardev that connects, then reads until the other end has ended. */
  private static Optional<String> connect(JsonNode request) {
    String path = request.findPath("path").asString("");
    try {
      SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
      Thread.ofVirtual().start(() -> readToTheEnd(channel));
      return Optional.of("{\"return\": {}}");
    } catch (IOException e) {
      return Optional.of(
          "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no way to the socket\"}}");
    }
  }

  private static void readToTheEnd(SocketChannel opened) {
    try (SocketChannel channel = opened) {
      int read;
      do {
        read = channel.read(ByteBuffer.allocate(64));
      } while (read >= 0);
    } catch (IOException e) {
      LOG.debug("a rehearsed connection ended: {}", e.getMessage());
    }
  }
}
