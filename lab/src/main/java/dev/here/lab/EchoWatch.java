package dev.here.lab;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A running {@link EchoClient} in a lab, seen from outside. It ends with the lab. */
public final class EchoWatch implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int FINISH_SECONDS = 60;

  private final CompletableFuture<EchoSummary> summary = new CompletableFuture<>();
  private final RackProgram program;
  private volatile @Nullable EchoSummary progress;

  EchoWatch(Rack rack, LabCard card, int payloadOctets, long pauseMillis) {
    program =
        RackProgram.start(
            rack,
            EchoClient.class,
            List.of(
                Integer.toString(card.vlan()),
                HostNetwork.TRUNK.address(HostNetwork.RACK),
                card.address(),
                Integer.toString(payloadOctets),
                Long.toString(pauseMillis)),
            this::take,
            reason ->
                summary.completeExceptionally(
                    new LabException("the echo client ended without a summary " + reason)));
  }

  private void take(JsonNode message) {
    EchoSummary seen = JSON.treeToValue(message.get("value"), EchoSummary.class);
    progress = seen;
    if (message.get("type").asString().equals("summary")) {
      summary.complete(seen);
    }
  }

  /** The latest figures, at most a second old; empty before the first. */
  public Optional<EchoSummary> progress() {
    return Optional.ofNullable(progress);
  }

  /** From here on the longest time between two answers is measured anew. */
  public void mark() {
    program.send("mark");
  }

  /** Ends it and returns what it saw. */
  public EchoSummary finish() {
    program.send("finish");
    try {
      return summary.get(FINISH_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new LabException("the echo client gave no summary: " + e.getMessage(), e);
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
