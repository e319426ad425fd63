package dev.here.cli;

import dev.here.host.ApiClient;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/** Shows what a host protects, and for whom it stands by. */
@Command(
    name = "status",
    description = "Shows this host's protections and replicas, and whether each is safe right now.")
final class StatusCommand implements Callable<Integer> {
  private static final int WATCH_MILLIS = 1000;

  @Option(names = "--watch", description = "Again every second, until interrupted.")
  private boolean watch;

  @Option(names = "--json", description = "One JSON object (a line each time with --watch).")
  private boolean json;

  @Mixin private DaemonOption daemon;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    ApiClient client = daemon.client();
    do {
      JsonNode status = client.get("/v1/status");
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(status);
      } else {
        print(out, status);
      }
      out.flush();
      if (watch) {
        Thread.sleep(WATCH_MILLIS);
      }
    } while (watch);
    return 0;
  }

  /** The protection called {@code name} in a status, or a missing node. */
  static JsonNode protection(JsonNode status, String name) {
    for (JsonNode protection : status.path("protections")) {
      if (protection.path("name").asString("").equals(name)) {
        return protection;
      }
    }
    return MissingNode.getInstance();
  }

  private static void print(PrintWriter out, JsonNode status) {
    out.printf("host %s%n", status.path("host").asString(""));
    for (JsonNode protection : status.path("protections")) {
      printProtection(out, protection);
    }
    for (JsonNode replica : status.path("replicas")) {
      out.printf(
          "  standby for %s: %s, %s, epoch %d committed%s%n",
          replica.path("name").asString(""),
          replica.path("state").asString(""),
          replica.path("verdict").asString(""),
          replica.path("committedEpoch").asLong(0),
          suffix(replica.path("reason").asString("")));
      printCards(out, replica.path("cards"));
    }
    if (status.path("protections").isEmpty() && status.path("replicas").isEmpty()) {
      out.println("  protects nothing, stands by for nothing");
    }
  }

  private static void printCards(PrintWriter out, JsonNode cards) {
    int number = 0;
    for (JsonNode card : cards) {
      out.printf("           card %d: %s%n", ++number, card.asString(""));
    }
  }

  private static void printProtection(PrintWriter out, JsonNode protection) {
    out.printf(
        "  %s %s -> %s: %s%s%n",
        protection.path("safe").asBoolean(false) ? "SAFE    " : "NOT SAFE",
        protection.path("name").asString(""),
        protection.path("to").asString(""),
        protection.path("state").asString(""),
        suffix(protection.path("reason").asString("")));
    JsonNode figures = protection.path("status");
    if (figures.isObject()) {
      out.printf(
          "           epoch %d, interval %.0f ms, pause %.1f ms (p99 %.1f), %d dirty pages, %d octets sent, degradation %.1f %%, %d frames held%n",
          figures.path("committedEpoch").asLong(0),
          millis(figures.path("intervalNanos")),
          millis(figures.path("pauseMeanNanos")),
          millis(figures.path("pauseP99Nanos")),
          figures.path("dirtyPages").asInt(0),
          figures.path("sentBytes").asLong(0),
          100 * figures.path("degradation").asDouble(0),
          figures.path("heldFrames").asInt(0));
    }
    JsonNode lag = protection.path("clockLag");
    if (lag.isObject()) {
      out.printf(
          "           guest clock %.0f ms behind the host's%n", millis(lag.path("lagNanos")));
    }
  }

  private static double millis(JsonNode nanos) {
    return nanos.asLong(0) / 1e6;
  }

  private static String suffix(String reason) {
    return reason.isEmpty() ? "" : " (" + reason + ")";
  }
}
