package dev.here.lab;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A program in a rack that measures once, says its figures and ends. */
final class Measurement {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private Measurement() {}

  /** Runs it to its end; its own patience with the guest limits how long that takes. */
  static <T> T of(Rack rack, Class<?> program, Class<T> figures, List<String> arguments) {
    CompletableFuture<JsonNode> result = new CompletableFuture<>();
    try (RackProgram running =
        RackProgram.start(
            rack,
            program,
            arguments,
            line -> result.complete(line.get("value")),
            reason ->
                result.completeExceptionally(
                    new LabException(
                        "%s measured nothing %s".formatted(program.getSimpleName(), reason))))) {
      return JSON.treeToValue(result.join(), figures);
    } catch (CompletionException e) {
      throw e.getCause() instanceof LabException cause
          ? cause
          : new LabException("%s failed".formatted(program.getSimpleName()), e);
    }
  }
}
