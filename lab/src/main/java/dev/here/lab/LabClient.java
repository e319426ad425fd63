package dev.here.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A running {@link CounterClient} in a lab, seen from outside. It ends with the lab. */
public final class LabClient implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final long FINISH_SECONDS = 150;

  private final Process process;
  private final OutputStream input;
  private final CompletableFuture<CounterSummary> summary = new CompletableFuture<>();
  private final Map<String, CompletableFuture<String>> answers = new ConcurrentHashMap<>();
  private volatile @Nullable CounterSummary progress;

  /**
   * Starts a client.
   *
   * @param rack where it runs
   * @param address the guest's address
   * @param pauseMillis pause between an answer and the next request
   * @param patienceMillis how long an answer may take before the connection counts as lost
   */
  LabClient(Rack rack, String address, long pauseMillis, int patienceMillis) {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx64m",
            "-cp",
            System.getProperty("java.class.path"),
            CounterClient.class.getName(),
            address,
            "7",
            Long.toString(pauseMillis),
            Integer.toString(patienceMillis));
    try {
      process =
          new ProcessBuilder(rack.inside(command))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
    } catch (IOException e) {
      throw new LabException("the client cannot be started: " + e.getMessage(), e);
    }
    input = process.getOutputStream();
    Thread.ofVirtual().start(this::follow);
  }

  private void follow() {
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        take(JSON.readTree(line));
      }
      summary.completeExceptionally(new LabException("the client ended without a summary"));
    } catch (IOException | RuntimeException e) {
      summary.completeExceptionally(new LabException("the client's output broke off", e));
    }
  }

  private void take(JsonNode message) {
    JsonNode value = message.get("value");
    switch (message.get("type").asString()) {
      case "progress" -> progress = JSON.treeToValue(value, CounterSummary.class);
      case "summary" -> summary.complete(JSON.treeToValue(value, CounterSummary.class));
      case "answer" ->
          answers
              .computeIfAbsent(value.get("request").asString(), r -> new CompletableFuture<>())
              .complete(value.get("answer").asString());
      default -> {}
    }
  }

  /** The latest figures; empty before the first answers. At most a second old while all is well. */
  public Optional<CounterSummary> progress() {
    return Optional.ofNullable(progress);
  }

  /**
   * Puts a request to the guest's service on a connection of its own, such as "attack" or "load
   * memory 32". The same request twice at a time shares one answer.
   */
  public CompletableFuture<String> ask(String request) {
    CompletableFuture<String> answer = new CompletableFuture<>();
    answers.put(request, answer);
    send("ask " + request);
    return answer;
  }

  /** From here on the longest time between two answers is measured anew. */
  public void mark() {
    send("mark");
  }

  /** Ends the counting and returns what was seen. */
  public CounterSummary finish() {
    send("finish");
    try {
      return summary.get(FINISH_SECONDS, TimeUnit.SECONDS);
    } catch (java.util.concurrent.ExecutionException | TimeoutException e) {
      throw new LabException("the client gave no summary: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("interrupted", e);
    }
  }

  private void send(String line) {
    try {
      input.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      input.flush();
    } catch (IOException e) {
      throw new LabException("the client is gone: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
