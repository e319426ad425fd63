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
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** One keeper, started by this daemon or found by it. */
final class KeeperProcess implements AutoCloseable {
  private static final int HEAP_MEBIBYTES = 512;

  /** One that went on without memory would hold the guest's frames, and its lease, for ever. */
  private static final String EXIT_WITHOUT_MEMORY = "-XX:+ExitOnOutOfMemoryError";

  /** Between a keeper's first act and its second. */
  private static final Duration MARK_LIMIT = Duration.ofSeconds(2);

  private static final long MARK_POLL_NANOS = 20_000_000;
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
      forgetFormer(folder);
      List<String> words =
          new ArrayList<>(
              JavaProgram.command(
                  "keeper", HEAP_MEBIBYTES, Keeper.class.getName(), List.of(folder.toString())));
      words.add(1, EXIT_WITHOUT_MEMORY);
      words.addFirst("setsid");
      Process started =
          new ProcessBuilder(words)
              .redirectErrorStream(true)
              .redirectOutput(
                  ProcessBuilder.Redirect.appendTo(folder.resolve("keeper.log").toFile()))
              .start();
      return new KeeperProcess(folder, Optional.of(started.toHandle()));
    } catch (IOException e) {
      throw new HostException(
          "the keeper in " + folder + " cannot be started: " + e.getMessage(), e);
    }
  }

  /** What a keeper before left of its own end, guest and lease: a new one has none of these. */
  static void forgetFormer(Path folder) throws IOException {
    KeeperOutcome.forget(folder);
    HypervisorMark.forget(folder);
    LeaseMark.forget(folder);
  }

  /**
   * Finds the keeper that an earlier daemon started in {@code folder}. Waits for one that was
   * killed and whose memory is taken back, or that is just about to say who it is.
   *
   * @throws HostException when it cannot be seen whether it lives
   */
  static KeeperProcess adopt(Path folder) {
    long deadline = System.nanoTime() + MARK_LIMIT.toNanos();
    while (true) {
      Optional<ProcessHandle> alive = KeeperMark.alive(folder);
      if (alive.isPresent() || !KeeperLock.isHeld(folder)) {
        return new KeeperProcess(folder, alive);
      }
      if (System.nanoTime() - deadline > 0) {
        throw new HostException(
            "a keeper is at work in %s, and has not written down who it is".formatted(folder));
      }
      LockSupport.parkNanos(MARK_POLL_NANOS);
    }
  }

  /** Whether another keeper is at work in its folder, for want of which this one has ended. */
  boolean hasOther() {
    return otherProcess().isPresent();
  }

  /** That other keeper. */
  Optional<KeeperProcess> other() {
    return otherProcess().map(found -> new KeeperProcess(folder, Optional.of(found)));
  }

  private Optional<ProcessHandle> otherProcess() {
    return KeeperMark.alive(folder)
        .filter(found -> process.filter(own -> own.pid() == found.pid()).isEmpty());
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

  /** It ended so, as this daemon found out. Known here even where it cannot be written down. */
  void ended(KeeperOutcome how) {
    outcome = Optional.of(how);
    how.write(folder);
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
