package dev.here.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * The protections whose primary is this host: a keeper process each, in a folder each. The folders
 * outlive this daemon; one that starts again finds its keepers there and goes on watching them.
 */
final class Protections implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Protections.class);
  private static final long WATCH_MILLIS = 50;
  private static final int MOST_RESTARTS = 5;

  private final Path folder;
  private final Optional<WitnessConnection> witness;
  private final Map<String, KeeperProcess> keepers = new ConcurrentHashMap<>();
  private final Map<String, Integer> restarts = new ConcurrentHashMap<>();
  private final Thread watch;
  private volatile boolean closed;

  /** Adopts what an earlier daemon left in {@code folder}. */
  Protections(Path folder, Optional<WitnessConnection> witness) {
    this.folder = folder;
    this.witness = witness;
    try {
      Files.createDirectories(folder);
      try (Stream<Path> found = Files.list(folder)) {
        found.filter(path -> Files.exists(path.resolve(Keeper.ORDER))).forEach(this::adopt);
      }
    } catch (IOException e) {
      throw new HostException("cannot use " + folder + ": " + e.getMessage(), e);
    }
    watch = Thread.ofPlatform().daemon().name("keepers").start(this::watch);
  }

  private void adopt(Path own) {
    try {
      KeeperProcess keeper = KeeperProcess.adopt(own);
      keepers.put(keeper.order().name(), keeper);
      LOG.info(
          "found the protection of {} ({})",
          keeper.order().name(),
          keeper.isAlive() ? "its keeper runs" : "its keeper is gone");
    } catch (HostException e) {
      LOG.warn("a protection in {} is not understood and left alone: {}", own, e.getMessage());
    }
  }

  /**
   * Begins to protect. Returns when the keeper was started; how it goes on is told by {@link
   * #views}.
   *
   * @throws HostException when the VM is protected already
   */
  synchronized void protect(ProtectOrder order) {
    KeeperProcess known = keepers.get(order.name());
    if (known != null && known.isAlive()) {
      throw new HostException(
          "VM %s is protected already, to %s".formatted(order.name(), known.order().to()));
    }
    restarts.remove(order.name());
    Path own = folder.resolve(order.name());
    try {
      Files.createDirectories(own);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    order.write(own.resolve(Keeper.ORDER));
    keepers.put(order.name(), KeeperProcess.start(own));
  }

  /** Ends protection; the guest goes on here. */
  void unprotect(String name) {
    KeeperProcess keeper = require(name);
    if (keeper.isAlive()) {
      keeper.post("/v1/unprotect");
    } else {
      keeper.forget();
      keepers.remove(name);
    }
  }

  /** Moves the guest to its standby, planned. */
  void switchover(String name) {
    require(name).post("/v1/switchover");
  }

  boolean knows(String name) {
    return keepers.containsKey(name);
  }

  private KeeperProcess require(String name) {
    KeeperProcess keeper = keepers.get(name);
    if (keeper == null) {
      throw new HostException(
          "VM %s is not protected from this host; protected are %s"
              .formatted(name, keepers.keySet().stream().sorted().toList()));
    }
    return keeper;
  }

  /** One protection, for the API; the keeper's figures are merged in where it answers. */
  record View(
      String name,
      String vm,
      String to,
      String state,
      String reason,
      boolean safe,
      Optional<JsonNode> status,
      Optional<JsonNode> clockLag) {}

  List<View> views() {
    List<View> views = new ArrayList<>();
    keepers.forEach((name, keeper) -> views.add(view(keeper)));
    return views;
  }

  private static View view(KeeperProcess keeper) {
    ProtectOrder order = keeper.order();
    Optional<JsonNode> answer = keeper.isAlive() ? keeper.status() : Optional.empty();
    if (answer.isPresent()) {
      JsonNode status = answer.get().path("status");
      return new View(
          order.name(),
          order.qmp(),
          order.to(),
          status.path("state").asString(""),
          status.path("reason").asString(""),
          status.path("safe").asBoolean(false),
          Optional.of(status),
          Optional.of(answer.get().path("clockLag")));
    }
    Optional<KeeperOutcome> outcome = keeper.outcome();
    String state =
        keeper.isAlive() ? "STARTING" : outcome.map(KeeperOutcome::state).orElse("KEEPER_GONE");
    String reason =
        outcome
            .map(KeeperOutcome::reason)
            .orElse(
                keeper.isAlive()
                    ? "the keeper looks at the guest"
                    : "the keeper died; the guest's network is being restored");
    return new View(
        order.name(),
        order.qmp(),
        order.to(),
        state,
        reason,
        false,
        Optional.empty(),
        Optional.empty());
  }

  private void watch() {
    try {
      while (!closed) {
        for (KeeperProcess keeper : keepers.values()) {
          if (witness.isPresent() && !keeper.isAlive() && keeper.outcome().isEmpty()) {
            revive(keeper);
          }
        }
        Thread.sleep(WATCH_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A keeper died: what it left is undone as soon as it is certain who owns the VM. */
  private void revive(KeeperProcess keeper) throws InterruptedException {
    String name = keeper.order().name();
    LOG.warn("the keeper of {} died", name);
    int count = restarts.merge(name, 1, Integer::sum);
    Optional<KeeperOutcome> outcome =
        new KeeperRevival(
                witness.orElseThrow(
                    () -> new HostException("without a witness nobody knows who owns " + name)),
                keeper.order())
            .revive();
    if (outcome.isEmpty() && count > MOST_RESTARTS) {
      outcome =
          Optional.of(
              new KeeperOutcome(
                  "FAILED",
                  "the keeper died %d times; see %s"
                      .formatted(count, keeper.folder().resolve("keeper.log"))));
    }
    if (outcome.isPresent()) {
      outcome.get().write(keeper.folder());
    } else {
      keepers.put(name, KeeperProcess.start(keeper.folder()));
    }
  }

  /** Stops watching; the keepers go on. */
  @Override
  public void close() {
    closed = true;
    watch.interrupt();
  }
}
