package dev.here.cli;

import dev.here.host.ApiClient;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** Protects a VM and waits until it is safe. */
@Command(
    name = "protect",
    description = "Protects a running VM; returns when a failover would lose nothing.",
    footer =
        "Exit codes: 0 protected, 1 refused or failed (the reason is told; the guest goes on), 2 wrong use.")
final class ProtectCommand implements Callable<Integer> {
  private static final int POLL_MILLIS = 250;

  @Parameters(
      paramLabel = "VM",
      description = {
        "The QMP socket of its QEMU, xen:DOMAIN, the name of a guest that this host has taken over",
        "(as here status shows it), or vmm:NAME or vmm:SOCKET of one that here vm run started."
      })
  private String vm = "";

  @Option(names = "--to", required = true, paramLabel = "HOST", description = "The standby.")
  private String to = "";

  @Option(
      names = "--max-degradation",
      defaultValue = "20%%",
      description = "Share of time that the guest may stand still (${DEFAULT-VALUE}).")
  private String maxDegradation = "20%";

  @Option(
      names = "--max-interval",
      defaultValue = "2s",
      description = "Longest epoch, for example 500ms or 2s (${DEFAULT-VALUE}).")
  private String maxInterval = "2s";

  @Option(
      names = "--interval",
      defaultValue = "",
      description = "A fixed interval instead, for example 100ms.")
  private String interval = "";

  @Option(
      names = "--timeout",
      defaultValue = "300",
      paramLabel = "S",
      description = "How long to wait for the first commits (${DEFAULT-VALUE}).")
  private long timeoutSeconds;

  @Mixin private DaemonOption daemon;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    Map<String, Object> request = new HashMap<>();
    request.put("vm", vm);
    request.put("to", to);
    if (interval.isEmpty()) {
      request.put("maxDegradation", percent(maxDegradation));
      request.put("maxIntervalMillis", millis(maxInterval));
    } else {
      request.put("fixedIntervalMillis", millis(interval));
    }
    ApiClient client = daemon.client();
    String name = client.post("/v1/protections", request).path("name").asString("");
    return await(client, name);
  }

  private int await(ApiClient client, String name) throws InterruptedException {
    long deadline = System.nanoTime() + timeoutSeconds * 1_000_000_000L;
    String shown = "";
    while (System.nanoTime() < deadline) {
      JsonNode protection = StatusCommand.protection(client.get("/v1/status"), name);
      String state = protection.path("state").asString("");
      String reason = protection.path("reason").asString("");
      String line = reason.isEmpty() ? state : state + ": " + reason;
      if (!line.equals(shown)) {
        spec.commandLine().getErr().println(name + ": " + line);
        shown = line;
      }
      if (protection.path("safe").asBoolean(false)) {
        spec.commandLine().getOut().println(name + " is protected to " + to);
        spec.commandLine().getOut().flush();
        return 0;
      }
      switch (state) {
        case "REFUSED", "FAILED", "LOST", "UNPROTECTED", "FENCED" -> {
          return 1;
        }
        default -> Thread.sleep(POLL_MILLIS);
      }
    }
    spec.commandLine()
        .getErr()
        .println(
            "here: %s is not protected after %d s (%s)".formatted(name, timeoutSeconds, shown));
    return 1;
  }

  private double percent(String text) {
    String number = text.replace("%", "");
    if (!number.matches("[0-9]{1,2}(\\.[0-9]{1,3})?")) {
      throw new ParameterException(
          spec.commandLine(), "'" + text + "' is not a percentage below 100");
    }
    return Double.parseDouble(number) / 100;
  }

  private long millis(String text) {
    if (text.matches("[0-9]{1,6}ms")) {
      return Long.parseLong(text.substring(0, text.length() - 2));
    }
    if (text.matches("[0-9]{1,3}s")) {
      return 1000 * Long.parseLong(text.substring(0, text.length() - 1));
    }
    throw new ParameterException(
        spec.commandLine(), "'" + text + "' is not a time like 500ms or 2s");
  }
}
