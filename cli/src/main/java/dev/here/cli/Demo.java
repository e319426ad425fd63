package dev.here.cli;

import dev.here.lab.CounterSummary;
import dev.here.lab.LabClient;
import dev.here.lab.LabFault;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/**
 * The demo's course, once its rack is up: protect, count, attack, watch the guest go on, account.
 */
final class Demo {
  private static final String ATTACK_REQUEST = "attack";

  /** A load that dirties some thousand pages a second on an emulated host. */
  private static final String LOAD_REQUEST = "load memory 16 200000";

  private static final String SELF_TEST = "selftest start 4 2";
  private static final double DEGRADATION_MAX = 0.3;
  private static final long INTERVAL_MAX_MILLIS = 2000;
  private static final long POLL_MILLIS = 4000;

  private static final long FAILOVER_POLL_MILLIS = 100;
  private static final int PROTECT_SECONDS = 240;
  private static final int COUNT_SECONDS = 300;
  private static final int FAILOVER_SECONDS = 60;
  private static final int AFTERWARDS_SECONDS = 3;
  private static final int FENCE_SECONDS = 60;

  /**
   * What is to be done.
   *
   * @param plain whether the guest boots as anyone would start it
   * @param selfTest whether processes in the guest check their memory all the time
   * @param minimum what has to be seen before the attack
   * @param holdMillis how long to wait then, before the attack
   * @param failback whether the guest is to go back to its first host afterwards
   */
  record Options(
      DemoPair pair,
      Attack attack,
      int vcpus,
      boolean loadMemory,
      boolean plain,
      boolean selfTest,
      DemoVerdict.Minimum minimum,
      long holdMillis,
      boolean failback) {}

  private final Options options;
  private final DemoRack rack;
  private final LabClient client;
  private final DemoScreen screen;
  private final HostApiOverLab primary;
  private final HostApiOverLab standby;

  /** The guest's, once it is protected. */
  private String name = "";

  private Demo(Options options, DemoRack rack, LabClient client, DemoScreen screen) {
    this.options = options;
    this.rack = rack;
    this.client = client;
    this.screen = screen;
    primary = rack.api(options.pair().primary());
    standby = rack.api(options.pair().standby());
  }

  /** Runs the demo from set-up to end; what was seen is for {@link DemoVerdict}. */
  static DemoFacts run(Options options, DemoScreen screen) {
    List<String> warmHosts = options.pair().warmHosts(options.failback());
    try (DemoRack rack =
            DemoRack.start(options.pair(), warmHosts, options.vcpus(), options.plain(), screen);
        LabClient client = rack.client()) {
      screen.say(
          "a client counts requests on one TCP connection to %s".formatted(rack.guest().address()));
      try {
        return new Demo(options, rack, client, screen).course();
      } catch (RuntimeException e) {
        for (String host : options.pair().hosts()) {
          screen.say("%s, the daemon's last words:%n%s".formatted(host, rack.daemonLog(host, 8)));
        }
        throw e;
      }
    }
  }

  private DemoFacts course() {
    protect();
    if (options.loadMemory()) {
      screen.say("the guest starts to write memory: " + ask(LOAD_REQUEST));
    }
    if (options.selfTest()) {
      screen.say("two processes check their memory from now on: " + ask(SELF_TEST));
    }
    final ProtectionView before = awaitEnough();
    final GuestClock clockBefore = GuestClock.parse(ask("clock"));
    final long requestsBefore = requests();
    Pauses.millis(options.holdMillis());
    screen.say(
        "ATTACK (%s): %s".formatted(options.attack().word(), options.attack().explanation()));
    client.mark();
    long attackNanos = System.nanoTime();
    final Optional<CompletableFuture<String>> written = attack();
    OptionalLong seen = OptionalLong.empty();
    if (options.attack().movesGuest()) {
      seen = OptionalLong.of(awaitFailover(written) - attackNanos);
    } else {
      sitOutPartition();
    }
    final String replay = options.attack().movesGuest() ? replay(written) : "";
    countOn();
    final Optional<ReplicaView.Times> times = standby.replica().flatMap(ReplicaView::failover);
    final Optional<DemoFailback.Seen> failback = failback();
    String journal = ask("journal");
    Optional<String> selfTest =
        options.selfTest() ? Optional.of(ask("selftest status")) : Optional.empty();
    GuestClock clockAfter = GuestClock.parse(ask("clock"));
    List<String> owners = owners();
    screen.say("the guest runs on " + String.join(" and ", owners));
    CounterSummary counted = client.finish();
    return new DemoFacts(
        options.pair(),
        options.attack(),
        before,
        seen,
        times,
        counted,
        requestsBefore,
        replay,
        clockBefore,
        clockAfter,
        journal,
        selfTest,
        owners,
        failback);
  }

  private Optional<DemoFailback.Seen> failback() {
    if (!options.failback()) {
      return Optional.empty();
    }
    DemoFailback back = new DemoFailback(options.pair(), rack, client, screen);
    DemoFailback.Seen seen = back.run(name, order(name, primary.host()));
    countOn();
    return Optional.of(seen);
  }

  private static Map<String, Object> order(String vm, String to) {
    return Map.of(
        "vm",
        vm,
        "to",
        to,
        "maxDegradation",
        DEGRADATION_MAX,
        "maxIntervalMillis",
        INTERVAL_MAX_MILLIS);
  }

  private void protect() {
    long begin = System.nanoTime();
    JsonNode answer =
        screen.step(
            "here protect: %s to %s, degradation at most %.0f %%, interval at most %d ms"
                .formatted(
                    rack.guestReference(),
                    standby.host(),
                    DEGRADATION_MAX * 100,
                    INTERVAL_MAX_MILLIS),
            () -> primary.post("/v1/protections", order(rack.guestReference(), standby.host())));
    name = answer.path("name").asString("");
    KeeperLogWatch.await(
        rack.lab(), primary.host(), name, PROTECT_SECONDS, line -> screen.say("keeper: " + line));
    screen.say(
        "its memory was copied while it ran (%.1f s)".formatted((System.nanoTime() - begin) / 1e9));
  }

  private ProtectionView awaitEnough() {
    Deadline deadline = new Deadline(COUNT_SECONDS, "too few checkpoints or requests");
    long begin = System.nanoTime();
    long first = -1;
    while (true) {
      ProtectionView view = primary.livingProtection();
      screen.live("%s; %,d requests answered".formatted(view.line(), requests()));
      if (view.safe()
          && view.checkpoints() >= options.minimum().checkpoints()
          && requests() >= options.minimum().requests()) {
        return view;
      }
      deadline.check(view.line());
      first = first < 0 ? view.checkpoints() : first;
      Pauses.millis(
          untilEnough(
              view.checkpoints() - first,
              options.minimum().checkpoints() - view.checkpoints(),
              (System.nanoTime() - begin) / 1_000_000));
    }
  }

  /**
   * Each question delays an emulated host's checkpoints: they are counted when they may suffice.
   */
  private static long untilEnough(long checkpoints, long missing, long inMillis) {
    return checkpoints <= 0
        ? POLL_MILLIS
        : Math.clamp(missing * inMillis / checkpoints, POLL_MILLIS / 2, 3 * POLL_MILLIS);
  }

  private long requests() {
    return client.progress().map(CounterSummary::requests).orElse(0L);
  }

  private String ask(String request) {
    return GuestAnswer.await(client.ask(request), request);
  }

  /** Attacks; returns the answer to come if it was the guest that did it. */
  private Optional<CompletableFuture<String>> attack() {
    switch (options.attack()) {
      case CRASH -> {
        return Optional.of(client.ask(ATTACK_REQUEST));
      }
      case KILL -> fault(LabFault.DM_CRASH);
      case HANG -> fault(LabFault.DM_HANG);
      case HOST_POWER -> fault(LabFault.POWER);
      case HOST_HANG -> fault(LabFault.HANG);
      case PARTITION -> fault(LabFault.PARTITION);
    }
    return Optional.empty();
  }

  private void fault(LabFault fault) {
    rack.lab().fault(primary.host(), fault);
  }

  /** Waits until the guest runs on the standby; returns the monotonic time at which it was seen. */
  private long awaitFailover(Optional<CompletableFuture<String>> written) {
    TakeOverWatch.Seen seen;
    try {
      seen = new TakeOverWatch(standby, FAILOVER_POLL_MILLIS).await();
    } catch (HereProgram.Refusal e) {
      throw written
          .filter(CompletableFuture::isDone)
          .map(first ->
              new HereProgram.Refusal(
                  "%s; told to attack, the guest answered: %s"
                      .formatted(e.getMessage(), first.join())))
          .orElse(e);
    }
    screen.say(
        "FAILOVER: the guest goes on in HERE's own VMM on %s, from checkpoint %d (%s)"
            .formatted(standby.host(), seen.replica().committedEpoch(), seen.replica().verdict()));
    return seen.atNanos();
  }

  private ReplicaView replica() {
    return standby
        .replica()
        .orElseThrow(
            () -> new HereProgram.Refusal(standby.host() + " has no replica of the guest"));
  }

  /**
   * After a cut its primary, which still reaches the witness, keeps the guest and goes on alone.
   */
  private void sitOutPartition() {
    Deadline alone = new Deadline(FAILOVER_SECONDS, "the primary does not go on alone");
    for (ProtectionView view = primary.livingProtection();
        !view.state().equals("ALONE");
        view = primary.livingProtection()) {
      refuseSecondOwner();
      alone.check(view.line());
      Pauses.millis(POLL_MILLIS);
    }
    screen.say(
        "%s keeps the guest, alone; %s: %s"
            .formatted(primary.host(), standby.host(), replica().reason()));
    for (int i = 0; i < AFTERWARDS_SECONDS; i++) {
      refuseSecondOwner();
      screen.live("%,d requests answered".formatted(requests()));
      Pauses.millis(1000);
    }
    fault(LabFault.HEAL);
    screen.say("the cut is healed");
    SettledProtection.await(primary, 0, PROTECT_SECONDS, screen);
    screen.say("the guest is protected again");
  }

  private void refuseSecondOwner() {
    if (replica().runs()) {
      throw new HereProgram.Refusal("the guest runs on both hosts");
    }
  }

  /** The guest repeats the attack at the standby; returns its answer. */
  private String replay(Optional<CompletableFuture<String>> written) {
    written.ifPresent(first ->
        screen.say(
            "the guest executes the same write again, as part of what was replayed: "
                + GuestAnswer.await(first, ATTACK_REQUEST)));
    String again = ask(ATTACK_REQUEST);
    screen.say(
        "the guest attacks %s too: %s. Different code: what ends QEMU means nothing here"
            .formatted(standby.host(), again));
    return again;
  }

  private void countOn() {
    for (int i = 0; i < AFTERWARDS_SECONDS; i++) {
      Pauses.millis(1000);
      screen.live("%,d requests answered".formatted(requests()));
    }
  }

  private List<String> owners() {
    List<String> owners = new ArrayList<>();
    if (options.attack() == Attack.HOST_HANG) {
      awaitFencedAfterHang();
    }
    boolean back = options.failback() && primary.replica().map(ReplicaView::runs).orElse(false);
    if (back || options.attack() != Attack.HOST_POWER && rack.primaryHasGuest()) {
      owners.add(primary.host());
    }
    if (standby.replica().map(ReplicaView::runs).orElse(false)) {
      owners.add(standby.host());
    }
    return owners;
  }

  /** A host that comes back finds that its guest has another owner, and ends its own. */
  private void awaitFencedAfterHang() {
    fault(LabFault.HEAL);
    screen.say("%s goes on; it has to end its own copy of the guest".formatted(primary.host()));
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(FENCE_SECONDS);
    while (rack.primaryHasGuest() && System.nanoTime() < until) {
      Pauses.millis(FAILOVER_POLL_MILLIS);
    }
  }
}
