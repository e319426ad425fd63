package dev.here.cli;

import dev.here.bench.Figure;
import dev.here.lab.ExecSession;
import dev.here.lab.LabClient;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * HERE beside Remus, which ships with Xen: the same guest on the same Xen host with the same load,
 * a checkpoint at the same interval. The guest itself measures how long it stands still, by steps
 * of its clock while it does nothing but look at it and write memory. Remus replicates to nothing
 * ({@code -b}), without network and disk buffers; HERE to a standby, with its frames held.
 */
final class RemusBench {
  private static final long INTERVAL_MILLIS = 200;

  /**
   * 4 MiB are written anew each 200 ms; a step of the clock of more than 40 ms is a pause. Dom0's
   * other work takes the processor for 30 ms, Xen's time slice, and is none.
   */
  private static final String LOOK = "gaps start 4 200000 40000";

  private static final int MEASURE_SECONDS = 30;

  private static final int SETTLE_CHECKPOINTS = 10;
  private static final int SETTLE_SECONDS = 240;
  private static final int UNPROTECT_SECONDS = 60;

  /** The process that writes Remus's stream, by the name that the kernel keeps of it. */
  private static final String SAVE_HELPER = "libxl-save-help";

  /** HERE's mean pause shall be this part of Remus's at most. */
  private static final double PAUSE_BAR = 0.2;

  /**
   * What the guest saw in one window.
   *
   * @param seconds its length
   * @param pauses how many
   * @param meanMillis their mean
   * @param p99Millis the longest but one in a hundred
   * @param stepsPerSecond how often the guest got around its loop
   */
  record Window(
      double seconds, long pauses, double meanMillis, double p99Millis, double stepsPerSecond) {
    static Window parse(String answer) {
      String[] words = answer.split(" ", -1);
      if (words.length != 6 || !words[0].equals("gaps")) {
        throw new HereProgram.Refusal("the guest's answer to gaps: " + answer);
      }
      double seconds = Double.parseDouble(words[1]);
      return new Window(
          seconds,
          Long.parseLong(words[2]),
          Double.parseDouble(words[3]) / 1e3,
          Double.parseDouble(words[4]) / 1e3,
          Double.parseDouble(words[5]) / seconds);
    }

    private String text() {
      return "%d pauses in %.0f s, mean %.1f ms, p99 %.1f ms, %,.0f steps a second"
          .formatted(pauses, seconds, meanMillis, p99Millis, stepsPerSecond);
    }
  }

  /**
   * One system's results.
   *
   * @param checkpoints in the window
   * @param bytes sent in the window
   */
  record Result(Window window, long checkpoints, long bytes) {}

  private final DemoRack rack;
  private final LabClient client;
  private final DemoScreen screen;
  private final HostApiOverLab primary;

  private RemusBench(DemoRack rack, LabClient client, DemoScreen screen) {
    this.rack = rack;
    this.client = client;
    this.screen = screen;
    primary = rack.api(DemoPair.XEN_KVM.primary());
  }

  /** Measures both in the lab; some minutes. */
  static List<Figure> measure(DemoScreen screen) {
    DemoPair pair = DemoPair.XEN_KVM;
    try (DemoRack rack = DemoRack.start(pair, pair.warmHosts(false), 1, false, screen);
        LabClient client = rack.client()) {
      RemusBench bench = new RemusBench(rack, client, screen);
      Window alone = bench.look("unprotected");
      Result here = bench.here();
      Result remus = bench.remus();
      return figures(alone, here, remus);
    }
  }

  static List<Figure> figures(Window alone, Result here, Result remus) {
    int runs = (int) here.checkpoints();
    return List.of(
        Figure.atMost(
            "remus.pause.mean",
            here.window().meanMillis(),
            "ms",
            remus.window().meanMillis(),
            PAUSE_BAR,
            runs),
        Figure.atMost(
            "remus.pause.p99",
            here.window().p99Millis(),
            "ms",
            remus.window().p99Millis(),
            PAUSE_BAR,
            runs),
        Figure.atLeast("remus.checkpoints", perSecond(here), "1/s", perSecond(remus), 1, runs),
        Figure.atLeast(
            "remus.progress",
            here.window().stepsPerSecond() / alone.stepsPerSecond(),
            "",
            remus.window().stepsPerSecond() / alone.stepsPerSecond(),
            1,
            runs),
        Figure.atMost("remus.bytes", perCheckpoint(here), "kB", perCheckpoint(remus), 1, runs));
  }

  private static double perSecond(Result result) {
    return result.checkpoints() / result.window().seconds();
  }

  private static double perCheckpoint(Result result) {
    return result.bytes() / 1e3 / Math.max(1, result.checkpoints());
  }

  private Window look(String what) {
    ask(LOOK);
    Pauses.millis(TimeUnit.SECONDS.toMillis(MEASURE_SECONDS));
    Window window = Window.parse(ask("gaps stop"));
    screen.say(what + ": " + window.text());
    return window;
  }

  private Result here() {
    String name = rack.protect(INTERVAL_MILLIS);
    SettledProtection.await(primary, SETTLE_CHECKPOINTS, SETTLE_SECONDS, screen);
    JsonNode before = totals();
    Window window = look("HERE");
    JsonNode after = totals();
    primary.delete("/v1/protections/" + name);
    awaitUnprotected();
    long checkpoints = difference(before, after, "checkpoints");
    screen.say("HERE's pause by its parts: " + parts(before, after, checkpoints));
    return new Result(window, checkpoints, difference(before, after, "totalSentBytes"));
  }

  private void awaitUnprotected() {
    Deadline deadline = new Deadline(UNPROTECT_SECONDS, "protection does not end");
    while (primary.protection().filter(view -> !view.hasEnded()).isPresent()) {
      deadline.check("unprotecting");
      Pauses.millis(1000);
    }
  }

  /** Where the mean pause went, as the keeper measures it. */
  private static String parts(JsonNode before, JsonNode after, long checkpoints) {
    return Stream.of("stop", "dirtyLog", "copy", "state", "resume")
        .map(part ->
            "%s %.1f ms"
                .formatted(
                    part,
                    (total(after, part) - total(before, part)) / 1e6 / Math.max(1, checkpoints)))
        .collect(Collectors.joining(", "));
  }

  private static long total(JsonNode protection, String part) {
    return protection.path("status").path("totalPause").path(part + "Nanos").asLong();
  }

  private JsonNode totals() {
    return primary.status().path("protections").path(0);
  }

  private static long difference(JsonNode before, JsonNode after, String figure) {
    return after.path("status").path(figure).asLong() - before.path("status").path(figure).asLong();
  }

  /** Last, since a guest does not outlive the end of its Remus for certain. */
  private Result remus() {
    String host = DemoPair.XEN_KVM.primary();
    String command =
        "exec xl remus -F -b -n -d -i %d %s nowhere >/run/remus.log 2>&1"
            .formatted(INTERVAL_MILLIS, rack.guest().name());
    try (ExecSession session = rack.lab().start(host, command)) {
      awaitRemus(host);
      long before = written(host);
      Window window = look("Remus");
      return new Result(window, window.pauses(), written(host) - before);
    }
  }

  /** Until the first, whole copy is done and checkpoints follow each other. */
  private void awaitRemus(String host) {
    Deadline deadline = new Deadline(SETTLE_SECONDS, "Remus does not begin");
    while (rack.lab().exec(host, "pgrep " + SAVE_HELPER).exitCode() != 0) {
      deadline.check(rack.lab().exec(host, "tail -n 2 /run/remus.log").output().strip());
      Pauses.millis(1000);
    }
    Pauses.millis(TimeUnit.SECONDS.toMillis(MEASURE_SECONDS));
  }

  /** Octets that Remus's process has written, to wherever. */
  private long written(String host) {
    String answer =
        rack.lab()
            .exec(host, "sed -n 's/^wchar: //p' /proc/$(pgrep -n %s)/io".formatted(SAVE_HELPER))
            .success()
            .strip();
    return Long.parseLong(answer);
  }

  private String ask(String request) {
    return GuestAnswer.await(client.ask(request), request);
  }
}
