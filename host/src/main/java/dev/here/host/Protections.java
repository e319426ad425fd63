package dev.here.host;

import dev.here.ffi.Urgency;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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

  /** What failed here itself, with no file to be opened for example, is tried again after this. */
  private static final long PLACE_POLL_NANOS = 20_000_000;

  private static final long TROUBLE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Path folder;
  private final Optional<WitnessConnection> witness;
  private final GivingWay givingWay;
  private final Map<String, KeeperProcess> keepers = new ConcurrentHashMap<>();
  private final Map<String, Integer> restarts = new ConcurrentHashMap<>();

  /** Keepers that failed, and when each was seen to. */
  private final Map<String, Long> failedNanos = new ConcurrentHashMap<>();

  /** Dead keepers whose leavings are being undone, each on a thread of its own. */
  private final Map<String, KeeperRevival> reviving = new ConcurrentHashMap<>();

  /**
   * Folders of protections that are not known, since it was not seen whether they have a keeper.
   */
  private final Map<Path, String> notAdopted = new ConcurrentHashMap<>();

  /** Names that are not looked at before a time: something failed there. */
  private final Map<String, Long> notBeforeNanos = new ConcurrentHashMap<>();

  /** Keepers that have ended and have not been looked after. */
  private final Semaphore ended = new Semaphore(0);

  private final Thread watch;
  private volatile CompletableFuture<Void> rehearsed = CompletableFuture.completedFuture(null);
  private volatile boolean closed;

  /** The watch's: when it was last tried to adopt. */
  private long adoptedNanos = System.nanoTime();

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
      notAdopted.remove(own);
    } catch (HostException e) {
      String reason = String.valueOf(e.getMessage());
      if (!reason.equals(notAdopted.put(own, reason))) {
        LOG.warn("a protection in {} is not understood yet: {}", own, reason);
      }
    }
  }

  /** Until they are understood, or their keepers have ended. */
  private void adoptLate() {
    if (!notAdopted.isEmpty() && System.nanoTime() - adoptedNanos > TROUBLE_NANOS) {
      notAdopted.keySet().forEach(this::adopt);
      adoptedNanos = System.nanoTime();
    }
  }

  private Optional<String> whyNotAdopted(String name) {
    return Optional.ofNullable(notAdopted.get(folder.resolve(name)));
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
    awaitPlace(folder.resolve(order.name()));
    begin(order);
  }

  /** One that was killed has its place until the kernel has taken its memory back. */
  private static void awaitPlace(Path own) {
    long deadline = System.nanoTime() + ENDING_LIMIT.toNanos();
    while (Files.isDirectory(own)
        && KeeperLock.isHeld(own)
        && KeeperMark.alive(own).isEmpty()
        && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(PLACE_POLL_NANOS);
    }
  }

  private synchronized void begin(ProtectOrder order) {
    KeeperProcess known = keepers.get(order.name());
    if (known != null && known.isAlive()) {
      throw new HostException(
          "VM %s is protected already, to %s".formatted(order.name(), known.order().to()));
    }
    if (reviving.containsKey(order.name())) {
      throw beingRevived(order.name());
    }
    Path own = folder.resolve(order.name());
    try {
      Files.createDirectories(own);
    } catch (IOException e) {
      throw new HostException("cannot use %s: %s".formatted(own, e.getMessage()), e);
    }
    if (KeeperLock.isHeld(own)) {
      throw new HostException(
          "VM %s has a keeper already: %s"
              .formatted(
                  order.name(), whyNotAdopted(order.name()).orElse("it is not known here yet")));
    }
    restarts.remove(order.name());
    failedNanos.remove(order.name());
    order.write(own.resolve(Keeper.ORDER));
    keep(start(own));
  }

  /** Its keeper has died, and what the guest sent is held. */
  private boolean isToBeRevived(KeeperProcess keeper) {
    return reviving.containsKey(keeper.order().name())
        || (witness.isPresent() && keeper.outcome().isEmpty());
  }

  private HostException beingRevived(String name) {
    return new HostException(
        "the keeper of %s died: %s; try again in some seconds".formatted(name, afterDeath(name)));
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
    if (keeper == null) {
      return whyNotAdopted(name).isPresent();
    }
    return keeper.isAlive()
        || reviving.containsKey(name)
        || keeper.outcome().map(end -> isTriedAgain(name, end)).orElse(true);
  }

  boolean knows(String name) {
    return keepers.containsKey(name);
  }

  private KeeperProcess require(String name) {
    KeeperProcess keeper = keepers.get(name);
    if (keeper == null && whyNotAdopted(name).isPresent()) {
      throw new HostException(
          "it is not known yet whether VM %s is protected: %s"
              .formatted(name, whyNotAdopted(name).get()));
    }
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

    /** Of a folder of which it is not seen whether it has a keeper. */
    static View unknown(Path own, String reason) {
      return new View(
          String.valueOf(own.getFileName()),
          "",
          "",
          "UNKNOWN",
          reason,
          false,
          Optional.empty(),
          Optional.empty());
    }

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
    notAdopted.forEach((own, reason) -> views.add(View.unknown(own, reason)));
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
            .orElseGet(() ->
                keeper.isAlive()
                    ? "the keeper looks at the guest"
                    : "the keeper died; " + afterDeath(order.name()));
    return View.without(order, state, reason);
  }

  private String afterDeath(String name) {
    KeeperRevival revival = reviving.get(name);
    return revival == null ? "what it left is looked at soon" : revival.doing();
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
        adoptLate();
        keepers.values().forEach(this::look);
        if (ended.tryAcquire(WATCH_MILLIS, TimeUnit.MILLISECONDS)) {
          ended.drainPermits();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A keeper that cannot be seen to is no reason not to see to the others. */
  private void look(KeeperProcess keeper) {
    String name = keeper.order().name();
    Long notBefore = notBeforeNanos.get(name);
    if (notBefore != null && System.nanoTime() - notBefore < 0) {
      return;
    }
    try {
      if (!keeper.seemsAlive() && !keeper.isAlive()) {
        lookAfter(keeper);
      }
    } catch (RuntimeException e) {
      failed(keeper, e);
    }
  }

  private void failed(KeeperProcess keeper, RuntimeException why) {
    String name = keeper.order().name();
    LOG.warn("the dead keeper of {} is not seen to yet", name, why);
    notBeforeNanos.put(name, System.nanoTime() + TROUBLE_NANOS);
  }

  private synchronized void lookAfter(KeeperProcess keeper) {
    String name = keeper.order().name();
    if (closed || keepers.get(name) != keeper || reviving.containsKey(name)) {
      return;
    }
    Optional<KeeperOutcome> outcome = keeper.outcome();
    if (outcome.isPresent()) {
      if (isTriedAgain(name, outcome.get())) {
        tryAgain(keeper);
      }
    } else if (witness.isPresent()) {
      lookAfterDead(keeper, witness.get());
    }
  }

  private void lookAfterDead(KeeperProcess keeper, WitnessConnection third) {
    String name = keeper.order().name();
    Optional<KeeperProcess> other = keeper.other();
    if (other.isPresent()) {
      LOG.info("{} has another keeper", name);
      keep(other.get());
      return;
    }
    givingWay.end();
    KeeperRevival revival = KeeperRevival.of(keeper, third);
    reviving.put(name, revival);
    Thread.ofPlatform().daemon().name("revival-" + name).start(() -> reviveAlone(keeper, revival));
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

  private void reviveAlone(KeeperProcess keeper, KeeperRevival revival) {
    try {
      revive(keeper, revival);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      failed(keeper, e);
    } finally {
      reviving.remove(keeper.order().name());
    }
  }

  /** A keeper died: what it left is undone as soon as it is certain who owns the VM. */
  private void revive(KeeperProcess keeper, KeeperRevival revival) throws InterruptedException {
    String name = keeper.order().name();
    keeper.giveWay();
    LOG.warn("the keeper of {} died", name);
    Optional<KeeperOutcome> outcome;
    try (Urgency clientsWait = Urgency.begin()) {
      outcome = revival.revive();
    }
    Optional<KeeperProcess> other = keeper.other();
    if (other.isPresent()) {
      keep(other.get());
      return;
    }
    int count = restarts.merge(name, 1, Integer::sum);
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
      keeper.ended(outcome.get());
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
