package dev.here.driver.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Undoes the leavings of a protection that never was, in a monitor that answers from a script. A
 * daemon undoes a dead keeper's leavings at most now and then, and the guest's clients wait for it:
 * the first time in a process takes a slow host seconds, later ones tenths of one.
 */
public final class CleanupRehearsal {
  private static final Logger LOG = LoggerFactory.getLogger(CleanupRehearsal.class);
  private static final AtomicBoolean BEGUN = new AtomicBoolean();
  private static final CompletableFuture<Void> DONE = new CompletableFuture<>();
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private CleanupRehearsal() {}

  /**
   * Begins in the background, once a process; a failure is logged and has no other effect.
   *
   * @return completes when it is over
   */
  public static CompletableFuture<Void> begin() {
    if (BEGUN.compareAndSet(false, true)) {
      Thread.ofPlatform().name("cleanup-rehearsal").daemon().start(CleanupRehearsal::rehearse);
    }
    return DONE;
  }

  private static void rehearse() {
    try {
      long began = System.nanoTime();
      run();
      LOG.info(
          "what is done after a keeper's death was rehearsed in {} ms",
          (System.nanoTime() - began) / 1_000_000);
    } catch (IOException | RuntimeException e) {
      LOG.warn("no rehearsal of what is done after a keeper's death, it takes longer", e);
    } finally {
      DONE.complete(null);
    }
  }

  /** Rehearses; what was undone, as {@link QemuCleanup#undo} says it. */
  static List<String> run() throws IOException {
    Path folder = Files.createTempDirectory("here-rehearsal-");
    Path socket = folder.resolve("qmp.sock");
    try (ScriptedMonitor monitor = new ScriptedMonitor(socket)) {
      leave(monitor);
      try (QmpClient qmp = QmpClient.connect(socket, PATIENCE)) {
        return QemuCleanup.undo(qmp, QemuTimeouts.DEFAULT);
      }
    } finally {
      Files.deleteIfExists(socket);
      Files.delete(folder);
    }
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
    monitor.answer(
        "query-migrate-parameters",
        "{\"x-checkpoint-delay\": 5, \"max-bandwidth\": %d}"
            .formatted(MigrationSettings.MAX_BANDWIDTH));
    for (String command : List.of("migrate-set-parameters", "migrate-set-capabilities")) {
      monitor.answer(command, ScriptedMonitor.OK);
    }
  }
}
