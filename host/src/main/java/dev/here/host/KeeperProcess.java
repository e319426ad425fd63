package dev.here.host;

import dev.here.driver.vmm.JavaProgram;
import dev.here.ffi.ProcessGlance;
import dev.here.ffi.ProcessPriority;
import dev.here.ffi.ProcessStat;
import dev.here.replication.ProtectionState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** One keeper, started by this daemon or found by it. */
final class KeeperProcess implements AutoCloseable {
  private static final String PID = "keeper.json";
  private static final int HEAP_MEBIBYTES = 512;
  private static final Duration STATUS_LIMIT = Duration.ofSeconds(2);
  private static final Duration ORDER_LIMIT = Duration.ofSeconds(60);

  private final Path folder;
  private final ProtectOrder order;
  private final Optional<ProcessHandle> process;
  private final Optional<ProcessGlance> glance;
  private volatile Optional<KeeperOutcome> outcome = Optional.empty();

  /** It has told of its protection's end: it answers no more before its outcome is there. */
  private volatile boolean endTold;

  private KeeperProcess(Path folder, Optional<ProcessHandle> process) {
    this.folder = folder;
    this.order = ProtectOrder.read(folder.resolve(Keeper.ORDER));
    this.process = process;
    this.glance = process.flatMap(known -> ProcessGlance.of(known.pid()));
  }

  /** Starts a keeper for the order in {@code folder}; it lives on when this process ends. */
  static KeeperProcess start(Path folder) {
    try {
      KeeperOutcome.forget(folder);
      HypervisorMark.forget(folder);
      List<String> words = new ArrayList<>(List.of("setsid"));
      words.addAll(
          JavaProgram.command(
              "keeper", HEAP_MEBIBYTES, Keeper.class.getName(), List.of(folder.toString())));
      Process started =
          new ProcessBuilder(words)
              .redirectErrorStream(true)
              .redirectOutput(
                  ProcessBuilder.Redirect.appendTo(folder.resolve("keeper.log").toFile()))
              .start();
      JsonFile.write(folder.resolve(PID), ProcessMark.of(started.toHandle()));
      return new KeeperProcess(folder, Optional.of(started.toHandle()));
    } catch (IOException e) {
      throw new HostException(
          "the keeper in " + folder + " cannot be started: " + e.getMessage(), e);
    }
  }

  /** Finds the keeper that an earlier daemon started in {@code folder}. */
  static KeeperProcess adopt(Path folder) {
    Path mark = folder.resolve(PID);
    if (!Files.exists(mark)) {
      return new KeeperProcess(folder, Optional.empty());
    }
    return new KeeperProcess(folder, JsonFile.read(mark, ProcessMark.class).find());
  }

  Path folder() {
    return folder;
  }

  ProtectOrder order() {
    return order;
  }

  boolean isAlive() {
    return process.isPresent() && ProcessMark.isAlive(process.get());
  }

  /** Whether it is alive, but its protection has ended. */
  boolean isEnding() {
    if (!isAlive()) {
      return false;
    }
    return outcome().isPresent()
        || endTold
        || status().filter(KeeperProcess::tellsOfAnEnd).isPresent();
  }

  private static boolean tellsOfAnEnd(JsonNode answer) {
    String state = answer.path("status").path("state").asString("");
    return Arrays.stream(ProtectionState.values())
        .anyMatch(known -> known.isFinal() && known.name().equals(state));
  }

  /** A cheap look; where it shows nothing, {@link #isAlive} tells. */
  boolean seemsAlive() {
    return glance.isPresent() && glance.get().showsActive();
  }

  /** It has died: what the kernel still does for it is not urgent. */
  void giveWay() {
    process.ifPresent(known -> ProcessPriority.lowerSession(known.pid()));
  }

  /** Has {@code seen} run once it has ended; of one that an earlier daemon started, later. */
  void onEnd(Runnable seen) {
    process.ifPresent(known -> known.onExit().thenRun(seen));
  }

  /** Returns when it is gone, or after the time. */
  void awaitEnd(Duration limit) {
    process.ifPresent(known -> ProcessStat.awaitEnd(known.pid(), limit));
  }

  /** Written once. */
  Optional<KeeperOutcome> outcome() {
    if (outcome.isEmpty()) {
      outcome = KeeperOutcome.read(folder);
    }
    return outcome;
  }

  /**
   * What it says of itself; empty where it cannot be asked (yet).
   *
   * @throws ApiClient.SilentException when it can, but does not answer: it hangs or is stopped
   */
  Optional<JsonNode> status() {
    try {
      JsonNode answer = client(statusLimit()).get("/v1/status");
      if (tellsOfAnEnd(answer)) {
        endTold = true;
      }
      return Optional.of(answer);
    } catch (ApiClient.SilentException e) {
      throw e;
    } catch (HostException e) {
      return Optional.empty();
    }
  }

  void post(String target) {
    client(ORDER_LIMIT).post(target, Map.of());
  }

  private ApiClient client(Duration limit) {
    return new ApiClient(folder.resolve(Keeper.SOCKET), limit);
  }

  /** A host on which peers may be silent for long is slow itself. */
  private Duration statusLimit() {
    Duration slow = Duration.ofMillis(2 * order.suspectAfterMillis());
    return slow.compareTo(STATUS_LIMIT) > 0 ? slow : STATUS_LIMIT;
  }

  /** It is not looked at any more. */
  @Override
  public void close() {
    glance.ifPresent(ProcessGlance::close);
  }

  /** Removes the folder of an ended keeper. */
  void forget() {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      throw new HostException("cannot remove " + folder + ": " + e.getMessage(), e);
    }
  }
}
