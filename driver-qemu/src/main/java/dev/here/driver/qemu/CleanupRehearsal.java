package dev.here.driver.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
   * Frames that a keeper which never was has left.
   *
   * @param end to be run when they are not needed any more
   */
  public record Sample(HeldFrameSource frames, Runnable end) {}

  /**
   * Begins in the background, once a process; a failure is logged and has no other effect.
   *
   * @param held makes what a gate of card 0 held, in a folder that it is given
   * @return completes when it is over
   */
  public static CompletableFuture<Void> begin(Function<Path, Sample> held) {
    if (BEGUN.compareAndSet(false, true)) {
      Thread.ofPlatform().name("cleanup-rehearsal").daemon().start(() -> rehearse(held));
    }
    return DONE;
  }

  private static void rehearse(Function<Path, Sample> held) {
    try {
      long began = System.nanoTime();
      run(held);
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
  static List<String> run(Function<Path, Sample> held) throws IOException {
    Path folder = Files.createTempDirectory("here-rehearsal-");
    Path socket = folder.resolve("qmp.sock");
    Sample sample = held.apply(folder);
    try (ScriptedMonitor monitor = new ScriptedMonitor(socket)) {
      leave(monitor);
      try (QmpClient qmp = QmpClient.connect(socket, PATIENCE)) {
        return QemuCleanup.undo(qmp, QemuTimeouts.DEFAULT, Optional.of(sample.frames()));
      }
    } finally {
      sample.end().run();
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
        "[{\"label\": \"here-nic0-in\", \"filename\": \"disconnected:unix\"},"
            + " {\"label\": \"here-nic0-out\"}]");
    monitor.answer(
        "query-migrate-parameters",
        "{\"x-checkpoint-delay\": 5, \"max-bandwidth\": %d}"
            .formatted(MigrationSettings.MAX_BANDWIDTH));
    for (String command :
        List.of("chardev-remove", "migrate-set-parameters", "migrate-set-capabilities")) {
      monitor.answer(command, ScriptedMonitor.OK);
    }
  }

  private static String listed(Set<String> names) {
    return names.stream()
        .map("{\"name\": \"%s\"}"::formatted)
        .collect(Collectors.joining(", ", "{\"return\": [", "]}"));
  }
}
