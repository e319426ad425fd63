package dev.here.testkit;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Assumptions;

/**
 * Runs tests on a thread that has left its process's network: what they make there is nobody
 * else's, and ends with the thread.
 */
public final class OwnNetwork {
  /** What is run there. */
  @FunctionalInterface
  public interface Body {
    void run() throws Exception;
  }

  private OwnNetwork() {}

  /**
   * Runs {@code body} and throws what it throws; skips the calling test where no namespace can be
   * made.
   *
   * @param enter moves the calling thread to a network namespace of its own (the module {@code ffi}
   *     can, which uses this one in its tests)
   */
  public static void run(Runnable enter, Body body) throws Exception {
    var entered = new CompletableFuture<Void>();
    var done = new CompletableFuture<Void>();
    Thread.ofPlatform()
        .start(() -> {
          try {
            enter.run();
          } catch (RuntimeException e) {
            entered.completeExceptionally(e);
            return;
          }
          entered.complete(null);
          try {
            body.run();
            done.complete(null);
          } catch (Throwable t) {
            done.completeExceptionally(t);
          }
        });
    try {
      entered.join();
    } catch (CompletionException e) {
      Assumptions.abort(
          "no network namespace can be made (%s): run as root".formatted(e.getCause()));
    }
    try {
      done.join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case Error error -> throw error;
        case Exception exception -> throw exception;
        case null, default -> throw e;
      }
    }
  }
}
