package dev.here.cli;

import dev.here.lab.ExecSession;
import dev.here.lab.Lab;
import dev.here.lab.LabException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The API of the daemon on a lab host, asked from outside: one HTTP request over the host's command
 * channel to the daemon's Unix socket. Starting a Java client on the host would take it seconds.
 */
final class HostApiOverLab {
  /** Where the daemon of a host listens. */
  static final String SOCKET = "/run/here/hered.sock";

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int PROTECT_SECONDS = 120;

  /** A question that is given up has cost the host its time, and is asked again from the start. */
  private static final int STATUS_SECONDS = 60;

  private static final int STATUS_ATTEMPTS = 3;

  private final Lab lab;
  private final String host;

  HostApiOverLab(Lab lab, String host) {
    this.lab = lab;
    this.host = host;
  }

  String host() {
    return host;
  }

  /** The daemon did not answer; it may do so later. */
  static final class NoAnswer extends HereProgram.Refusal {
    private static final long serialVersionUID = 1L;

    NoAnswer(String message) {
      super(message);
    }
  }

  /** The daemon's status. A busy emulated host may keep it from answering once, not always. */
  JsonNode status() {
    for (int attempt = 1; ; attempt++) {
      try {
        return ask("GET", "/v1/status", "", STATUS_SECONDS);
      } catch (NoAnswer e) {
        if (attempt == STATUS_ATTEMPTS) {
          throw e;
        }
        Pauses.millis(500);
      }
    }
  }

  /** The first protection on the host, if there is one. */
  Optional<ProtectionView> protection() {
    JsonNode all = status().path("protections");
    return all.isEmpty() ? Optional.empty() : Optional.of(ProtectionView.from(all.get(0)));
  }

  /**
   * The first protection on the host, which goes on.
   *
   * @throws HereProgram.Refusal when there is none, or it has ended
   */
  ProtectionView livingProtection() {
    ProtectionView view =
        protection()
            .orElseThrow(() -> new HereProgram.Refusal(host + " has no protection any more"));
    if (view.hasEnded()) {
      throw new HereProgram.Refusal("protection ended: " + view.line());
    }
    return view;
  }

  /** The first replica on the host, if there is one. */
  Optional<ReplicaView> replica() {
    JsonNode all = status().path("replicas");
    return all.isEmpty() ? Optional.empty() : Optional.of(ReplicaView.from(all.get(0)));
  }

  /** Posts an object and returns the answer. */
  JsonNode post(String target, Object body) {
    return ask("POST", target, JSON.writeValueAsString(body), PROTECT_SECONDS);
  }

  /** Deletes an object and returns the answer. */
  JsonNode delete(String target) {
    return ask("DELETE", target, "", PROTECT_SECONDS);
  }

  private JsonNode ask(String method, String target, String body, int seconds) {
    byte[] content = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            .formatted(method, target, content.length);
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    // -t: socat waits so long for the answer after the request's end.
    try (ExecSession session =
        lab.start(host, "exec socat -t %d - UNIX-CONNECT:%s".formatted(seconds, SOCKET))) {
      CompletableFuture.delayedExecutor(seconds, TimeUnit.SECONDS).execute(session::close);
      session.write(head.getBytes(StandardCharsets.US_ASCII));
      session.write(content);
      session.endInput();
      session.transferTo(answer, errors);
    } catch (IOException e) {
      throw new NoAnswer(
          "the daemon on %s did not answer %s %s within %d s (%s)"
              .formatted(host, method, target, seconds, e.getMessage()));
    } catch (LabException e) {
      throw new NoAnswer("host %s: %s".formatted(host, e.getMessage()));
    }
    return parse(
        answer.toString(StandardCharsets.UTF_8), errors.toString(StandardCharsets.UTF_8).strip());
  }

  private JsonNode parse(String answer, String errors) {
    if (answer.isEmpty()) {
      throw new NoAnswer("no daemon answers on %s: %s".formatted(host, errors));
    }
    try {
      return body(answer);
    } catch (JacksonException e) {
      throw new HereProgram.Refusal(
          "the daemon on %s gave an answer that is not JSON".formatted(host));
    }
  }

  /**
   * The JSON in an HTTP/1.1 response.
   *
   * @throws HereProgram.Refusal with the daemon's own words if it refused
   */
  static JsonNode body(String response) {
    int end = response.indexOf("\r\n\r\n");
    if (end < 0 || !response.matches("(?s)HTTP/1\\.1 [0-9]{3}.*")) {
      throw new HereProgram.Refusal("the daemon's answer is not HTTP/1.1, or was cut short");
    }
    JsonNode body = JSON.readTree(response.substring(end + 4));
    if (Integer.parseInt(response.substring(9, 12)) >= 400) {
      throw new HereProgram.Refusal(
          body.path("error").asString("the daemon refused without a reason"));
    }
    return body;
  }
}
