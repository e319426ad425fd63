package dev.here.host;

import dev.here.ffi.Urgency;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
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

  /** A keeper's end is told only when the kernel has taken its memory back. */
  private static final long WATCH_MILLIS = 20;

  private static final int MOST_RESTARTS = 5;
  private static final Duration ENDING_LIMIT = Duration.ofSeconds(30);

  /** A keeper that failed is started again after so long, then after twice as long, and so on. */
  private static final long FIRST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final Path folder;
  private final Optional<WitnessConnection> witness;
  private final GivingWay givingWay;
  private final Map<String, KeeperProcess> keepers = new ConcurrentHashMap<>();
  private final Map<String, Integer> restarts = new ConcurrentHashMap<>();

  /** Keepers that failed, and when each was seen to. */
  private final Map<String, Long> failedNanos = new ConcurrentHashMap<>();

  /** Whose dead keepers' leavings are being undone, each on a thread of its own. */
  private final Set<String> reviving = ConcurrentHashMap.newKeySet();

  /** Keepers that have ended and have not been looked after. */
  private final Semaphore ended = new Semaphore(0);

  private final Thread watch;
  private volatile CompletableFuture<Void> rehearsed = CompletableFuture.completedFuture(null);
  private volatile boolean closed;

  /**
   * Adopts what an earlier daemon left in {@code folder}.
   *
   * @param givingWay ended when a keeper has to be started or seen to
   */
  Protections(Path folder, Optional<WitnessConnection> witness, GivingWay givingWay) {
    this.folder = folder;
    this.witness = witness;
    this.givingWay = givingWay;
    LeftFrames.removeOrphans();
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

  private void keep(KeeperProcess keeper) {
    KeeperProcess before = keepers.put(keeper.order().name(), keeper);
    if (before != null) {
      before.close();
    }
    keeper.onEnd(ended::release);
    rehearsed =
        CompletableFuture.allOf(
            GuestReference.parse(keeper.order().guest()).rehearseCleanUp(),
            GateRehearsal.begin(),
            witness
                .map(known -> LeaseRehearsal.begin(known, keeper.order().host()))
                .orElse(rehearsed));
  }

  /** Completes when this daemon is ready for the death of the keepers that it knows. */
  CompletableFuture<Void> rehearsed() {
    return rehearsed;
  }

  private KeeperProcess start(Path own) {
    // What it starts would be in the background as it is itself.
    givingWay.end();
    return KeeperProcess.start(own);
  }

  private void adopt(Path own) {
    try {
      KeeperProcess keeper = KeeperProcess.adopt(own);
      keep(keeper);
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
   * #views}. A keeper whose protection has ended, and which only puts the guest's network back as
   * it was, is waited for.
   *
   * @throws HostException when the VM is protected already
   */
  void protect(ProtectOrder order) {
    KeeperProcess known = keepers.get(order.name());
    if (known != null && known.isEnding()) {
      known.awaitEnd(ENDING_LIMIT);
    }
    begin(order);
  }

  private synchronized void begin(ProtectOrder order) {
    KeeperProcess known = keepers.get(order.name());
    if (known != null && known.isAlive()) {
      throw new HostException(
          "VM %s is protected already, to %s".formatted(order.name(), known.order().to()));
    }
    if (reviving.contains(order.name())) {
      throw beingRevived(order.name());
    }
    restarts.remove(order.name());
    failedNanos.remove(order.name());
    Path own = folder.resolve(order.name());
    try {
      Files.createDirectories(own);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    order.write(own.resolve(Keeper.ORDER));
    keep(start(own));
  }

  /** Its keeper has died, and what the guest sent is held. */
  private boolean isToBeRevived(KeeperProcess keeper) {
    return reviving.contains(keeper.order().name())
        || (witness.isPresent() && keeper.outcome().isEmpty());
  }

  private static HostException beingRevived(String name) {
    return new HostException(
        "the keeper of %s died and the guest's network is being restored; try again in some seconds"
            .formatted(name));
  }

  /** Ends protection; the guest goes on here. */
  synchronized void unprotect(String name) {
    KeeperProcess keeper = require(name);
    if (keeper.isAlive()) {
      keeper.post("/v1/unprotect");
    } else if (isToBeRevived(keeper)) {
      throw beingRevived(name);
    } else {
      new LeftFrames(VmIdentity.of(name)).removeOpen();
      keeper.close();
      keeper.forget();
      keepers.remove(name);
    }
  }

  /** Moves the guest to its standby, planned. */
  void switchover(String name) {
    require(name).post("/v1/switchover");
  }

  /** Whether a keeper of this VM runs. */
  boolean runs(String name) {
    KeeperProcess keeper = keepers.get(name);
    return keeper != null && keeper.isAlive();
  }

  /** Whether a keeper has this VM's lease, or a dead one's is being seen to. */
  boolean keeps(String name) {
    KeeperProcess keeper = keepers.get(name);
    return keeper != null
        && (keeper.isAlive()
            || reviving.contains(name)
            || keeper.outcome().map(end -> isTriedAgain(name, end)).orElse(true));
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
      Optional<JsonNode> clockLag) {

    /** Of a keeper that tells nothing. */
    static View without(ProtectOrder order, String state, String reason) {
      return new View(
          order.name(),
          order.guest(),
          order.to(),
          state,
          reason,
          false,
          Optional.empty(),
          Optional.empty());
    }
  }

  List<View> views() {
    List<View> views = new ArrayList<>();
    keepers.forEach((name, keeper) -> views.add(view(keeper)));
    return views;
  }

  private View view(KeeperProcess keeper) {
    ProtectOrder order = keeper.order();
    Optional<JsonNode> answer;
    try {
      answer = keeper.isAlive() ? keeper.status() : Optional.empty();
    } catch (ApiClient.SilentException e) {
      return View.without(
          order, "KEEPER_SILENT", "the keeper hangs or its host is overloaded: " + e.getMessage());
    }
    if (answer.isPresent()) {
      JsonNode status = answer.get().path("status");
      return new View(
          order.name(),
          order.guest(),
          order.to(),
          status.path("state").asString(""),
          status.path("reason").asString(""),
          status.path("safe").asBoolean(false),
          Optional.of(status),
          Optional.of(answer.get().path("clockLag")));
    }
    Optional<KeeperOutcome> outcome = keeper.outcome().map(end -> shown(order.name(), end));
    String state =
        keeper.isAlive() ? "STARTING" : outcome.map(KeeperOutcome::state).orElse("KEEPER_GONE");
    String reason =
        outcome
            .map(KeeperOutcome::reason)
            .orElse(
                keeper.isAlive()
                    ? "the keeper looks at the guest"
                    : "the keeper died; the guest's network is being restored");
    return View.without(order, state, reason);
  }

  /** A failure that is followed by another attempt is not the end. */
  private KeeperOutcome shown(String name, KeeperOutcome end) {
    return isTriedAgain(name, end)
        ? new KeeperOutcome("RETRYING", end.reason() + "; protection is tried again soon")
        : end;
  }

  private boolean isTriedAgain(String name, KeeperOutcome end) {
    return end.again() && restarts.getOrDefault(name, 0) < MOST_RESTARTS;
  }

  private void watch() {
    try {
      while (!closed) {
        for (KeeperProcess keeper : keepers.values()) {
          if (!keeper.seemsAlive() && !keeper.isAlive()) {
            lookAfter(keeper);
          }
        }
        if (ended.tryAcquire(WATCH_MILLIS, TimeUnit.MILLISECONDS)) {
          ended.drainPermits();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void lookAfter(KeeperProcess keeper) {
    String name = keeper.order().name();
    if (closed || keepers.get(name) != keeper || reviving.contains(name)) {
      return;
    }
    Optional<KeeperOutcome> outcome = keeper.outcome();
    if (outcome.isPresent()) {
      if (isTriedAgain(name, outcome.get())) {
        tryAgain(keeper);
      }
    } else if (witness.isPresent()) {
      givingWay.end();
      reviving.add(name);
      Thread.ofPlatform().daemon().name("revival-" + name).start(() -> reviveAlone(keeper));
    }
  }

  private void tryAgain(KeeperProcess keeper) {
    String name = keeper.order().name();
    long now = System.nanoTime();
    Long failed = failedNanos.putIfAbsent(name, now);
    long pause = FIRST_PAUSE_NANOS << restarts.getOrDefault(name, 0);
    if (failed != null && now - failed > pause) {
      failedNanos.remove(name);
      restarts.merge(name, 1, Integer::sum);
      LOG.info("the protection of {} is tried again", name);
      keep(start(keeper.folder()));
    }
  }

  private void reviveAlone(KeeperProcess keeper) {
    try {
      revive(keeper);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.warn("the dead keeper of {} is not cleaned up yet", keeper.order().name(), e);
    } finally {
      reviving.remove(keeper.order().name());
    }
  }

  /** A keeper died: what it left is undone as soon as it is certain who owns the VM. */
  private void revive(KeeperProcess keeper) throws InterruptedException {
    String name = keeper.order().name();
    keeper.giveWay();
    LOG.warn("the keeper of {} died", name);
    int count = restarts.merge(name, 1, Integer::sum);
    var revival =
        new KeeperRevival(
            witness.orElseThrow(
                () -> new HostException("without a witness nobody knows who owns " + name)),
            keeper.order(),
            keeper.folder());
    Optional<KeeperOutcome> outcome;
    try (Urgency clientsWait = Urgency.begin()) {
      outcome = revival.revive();
    }
    if (outcome.isEmpty() && count > MOST_RESTARTS) {
      outcome =
          Optional.of(
              new KeeperOutcome(
                  "FAILED",
                  "the keeper died %d times; see %s"
                      .formatted(count, keeper.folder().resolve("keeper.log"))));
    }
    if (outcome.isPresent()) {
      new LeftFrames(VmIdentity.of(name)).removeOpen();
      outcome.get().write(keeper.folder());
    } else {
      keeper.awaitEnd(ENDING_LIMIT);
      keep(start(keeper.folder()));
    }
  }

  /** Stops watching; the keepers go on. */
  @Override
  public void close() {
    closed = true;
    watch.interrupt();
    keepers.values().forEach(KeeperProcess::close);
  }
}
