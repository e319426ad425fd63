package dev.here.cli;

import dev.here.lab.CounterSummary;
import dev.here.lab.LabClient;
import java.util.Map;

/**
 * The demo's second half: the guest that went on under HERE's own VMM is protected to the host that
 * it came from, and then that VMM is killed.
 */
final class DemoFailback {
  private static final int PROTECT_SECONDS = 240;
  private static final long ENOUGH_CHECKPOINTS = 20;
  private static final long POLL_MILLIS = 3000;
  private static final long FAILOVER_POLL_MILLIS = 500;

  /** SIGKILL to the VMM of the guest that the host took over; there is one. */
  private static final String KILL_VMM =
      "kill -9 $(sed -n 's/.*\"pid\":\\([0-9]*\\).*/\\1/p' /run/here/replicas/*/replica.json)";

  private final DemoPair pair;
  private final DemoRack rack;
  private final LabClient client;
  private final DemoScreen screen;
  private final HostApiOverLab from;
  private final HostApiOverLab to;

  /** The guest goes from the pair's standby to its primary. */
  DemoFailback(DemoPair pair, DemoRack rack, LabClient client, DemoScreen screen) {
    this.pair = pair;
    this.rack = rack;
    this.client = client;
    this.screen = screen;
    from = rack.api(pair.standby());
    to = rack.api(pair.primary());
  }

  /**
   * What was seen.
   *
   * @param firstOutageMillis the longest time between two answers from the first attack until the
   *     guest was protected again
   * @param protection the last figures before the VMM was killed
   */
  record Seen(double firstOutageMillis, ProtectionView protection) {}

  /** Protects the guest back and kills its VMM; returns when the guest runs where it began. */
  Seen run(String name, Map<String, Object> order) {
    double outageMillis = client.progress().map(CounterSummary::outageMillis).orElse(0.0);
    screen.step(
        "here protect: %s, under HERE's own VMM on %s, to %s"
            .formatted(name, from.host(), to.host()),
        () -> from.post("/v1/protections", order));
    KeeperLogWatch.await(
        rack.lab(), from.host(), name, PROTECT_SECONDS, line -> screen.say("keeper: " + line));
    ProtectionView before = awaitEnough();
    client.mark();
    screen.say("SECOND FAULT: SIGKILL to HERE's own VMM on " + from.host());
    rack.lab().exec(from.host(), KILL_VMM).success();
    awaitBack();
    return new Seen(outageMillis, before);
  }

  private ProtectionView awaitEnough() {
    Deadline deadline = new Deadline(PROTECT_SECONDS, "too few checkpoints on the way back");
    while (true) {
      ProtectionView view =
          from.protection()
              .orElseThrow(() -> new HereProgram.Refusal(from.host() + " has no protection"));
      screen.live(view.line());
      if (view.hasEnded()) {
        throw new HereProgram.Refusal("protection ended: " + view.line());
      }
      if (view.safe() && view.checkpoints() >= ENOUGH_CHECKPOINTS) {
        return view;
      }
      deadline.check(view.line());
      Pauses.millis(POLL_MILLIS);
    }
  }

  private void awaitBack() {
    ReplicaView seen = new TakeOverWatch(to, FAILOVER_POLL_MILLIS).await().replica();
    screen.say(
        "FAILBACK: the guest goes on in %s on %s, from checkpoint %d (%s)"
            .formatted(
                pair.placeAfterFailback(), to.host(), seen.committedEpoch(), seen.verdict()));
    seen.failover()
        .ifPresent(times ->
            screen.say(
                "decided %.0f ms after the last sign of life, running %.0f ms later"
                    .formatted(times.detectNanos() / 1e6, times.decidedToRunningNanos() / 1e6)));
  }
}
