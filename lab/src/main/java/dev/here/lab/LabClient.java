package dev.here.lab;

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

  private final RackProgram program;
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
    program =
        RackProgram.start(
            rack,
            CounterClient.class,
            List.of(address, "7", Long.toString(pauseMillis), Integer.toString(patienceMillis)),
            this::take,
            reason ->
                summary.completeExceptionally(
                    new LabException("the client ended without a summary " + reason)));
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
    program.send("ask " + request);
    return answer;
  }

  /** From here on the longest time between two answers is measured anew. */
  public void mark() {
    program.send("mark");
  }

  /** Ends the counting and returns what was seen. */
  public CounterSummary finish() {
    program.send("finish");
    try {
      return summary.get(FINISH_SECONDS, TimeUnit.SECONDS);
    } catch (java.util.concurrent.ExecutionException | TimeoutException e) {
      throw new LabException("the client gave no summary: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("interrupted", e);
    }
  }

  @Override
  public void close() {
    program.close();
  }
}
