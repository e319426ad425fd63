package dev.here.cli;

import dev.here.bench.Figure;
import dev.here.lab.CounterSummary;
import dev.here.lab.LabClient;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * How long a client of a Linux guest on a stock QEMU with KVM has no answer when the daemon or the
 * keeper of its host is killed, and while what was killed comes back, beside the longest gap that
 * checkpoints alone make, in the lab. One connection, a request 50 ms after each answer; a gap is
 * the time between two answers. A value is the longest gap of all runs.
 */
final class LabGapBench {
  private static final DemoPair PAIR = DemoPair.QEMU_KVM;
  private static final int RUNS = 3;
  private static final double BAR_MILLIS = 1000;

  private static final String HERED = "dev.here.host.[H]ered";
  private static final String KEEPER = "dev.here.host.[K]eeper";

  private static final long CLIENT_PAUSE_MILLIS = 50;
  private static final long QUIET_MILLIS = TimeUnit.SECONDS.toMillis(15);

  /** After a fault; what comes back has begun to start, and does nothing yet. */
  private static final long FAULT_MILLIS = TimeUnit.SECONDS.toMillis(5);

  /** Longer than a client's figures are old. */
  private static final long AFTERWARDS_MILLIS = TimeUnit.SECONDS.toMillis(3);

  /** Until the host has forgotten that a process was looked for. */
  private static final long AIMED_MILLIS = TimeUnit.SECONDS.toMillis(5);

  private static final long INTERVAL_MILLIS = 200;

  /** For the first ones an emulated host runs each program's code for the first times. */
  private static final int SETTLE_CHECKPOINTS = 60;

  private static final int SETTLE_SECONDS = 240;

  private final DemoRack rack;
  private final LabClient client;
  private final DemoScreen screen;
  private final HostApiOverLab primary;

  /** The guest's, once it is protected. */
  private String name = "";

  private LabGapBench(DemoRack rack, LabClient client, DemoScreen screen) {
    this.rack = rack;
    this.client = client;
    this.screen = screen;
    primary = rack.api(PAIR.primary());
  }

  /** Measures in the lab; some minutes. */
  static List<Figure> measure(DemoScreen screen) {
    try (DemoRack rack = DemoRack.start(PAIR, PAIR.warmHosts(false), 1, false, screen);
        LabClient client = rack.client(CLIENT_PAUSE_MILLIS)) {
      return new LabGapBench(rack, client, screen).course();
    }
  }

  private List<Figure> course() {
    double alone = gap("the guest alone", LabGapBench::rest);
    protect();
    double unharmed = 0;
    Gaps hered = Gaps.NONE;
    Gaps keeper = Gaps.NONE;
    for (int run = 0; run < RUNS; run++) {
      unharmed = Math.max(unharmed, gap("protected", LabGapBench::rest));
      hered = hered.orLonger(gapsOfKill(HERED, "hered", this::hered));
      keeper = keeper.orLonger(gapsOfKeepersKill());
    }
    CounterSummary counted = client.finish();
    if (counted.lost() > 0 || counted.repeated() > 0 || !counted.connectionKept()) {
      throw new HereProgram.Refusal("the client saw what was undone: " + counted);
    }
    return List.of(
        figure("lab.gap.protected", unharmed, alone),
        figure("lab.gap.hered.killed", hered.killed(), unharmed),
        figure("lab.gap.hered.back", hered.back(), unharmed),
        figure("lab.gap.keeper.killed", keeper.killed(), unharmed),
        figure("lab.gap.keeper.back", keeper.back(), unharmed));
  }

  /** The longest at a process's death, and while another one comes in its place. */
  private record Gaps(double killed, double back) {
    private static final Gaps NONE = new Gaps(0, 0);

    Gaps orLonger(Gaps other) {
      return new Gaps(Math.max(killed, other.killed), Math.max(back, other.back));
    }
  }

  private static Figure figure(String name, double gap, double reference) {
    return Figure.atMost(name, gap, "ms", reference, BAR_MILLIS / reference, RUNS);
  }

  private double gap(String what, Runnable happening) {
    client.mark();
    happening.run();
    Pauses.millis(AFTERWARDS_MILLIS);
    double gap =
        client
            .progress()
            .orElseThrow(() -> new HereProgram.Refusal("the guest answers nothing"))
            .outageMillis();
    screen.say("%s: longest gap %.0f ms".formatted(what, gap));
    return gap;
  }

  private static void rest() {
    Pauses.millis(QUIET_MILLIS);
  }

  private void protect() {
    name = rack.protect(INTERVAL_MILLIS);
    awaitSettled();
  }

  /** The next fault waits for a guest that is well protected; that is not in the gap any more. */
  private Gaps gapsOfKill(String pattern, String process, Runnable comingBack) {
    try (AimedKill kill = new AimedKill(rack.lab(), PAIR.primary(), pattern)) {
      Pauses.millis(AIMED_MILLIS);
      double killed =
          gap(
              process + " killed",
              () -> {
                kill.fire();
                Pauses.millis(FAULT_MILLIS);
              });
      double back = gap(process + " comes back", comingBack);
      awaitSettled();
      return new Gaps(killed, back);
    }
  }

  private void hered() {
    rack.startDaemonAgain(PAIR.primary());
    rest();
  }

  /** What watches begins before the fault: it takes the host's processor while it begins. */
  private Gaps gapsOfKeepersKill() {
    try (KeeperLogWatch next =
        KeeperLogWatch.ofNext(rack.lab(), PAIR.primary(), name, SETTLE_SECONDS)) {
      return gapsOfKill(KEEPER, "keeper", () -> next.follow(line -> screen.say("keeper: " + line)));
    }
  }

  private void awaitSettled() {
    SettledProtection.await(primary, SETTLE_CHECKPOINTS, SETTLE_SECONDS, screen);
  }
}
