package dev.here.cli;

import dev.here.lab.ExecSession;
import dev.here.lab.Lab;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A shell on a lab host that waits to send SIGKILL to processes that it has found. Starting a shell
 * and looking for a process takes an emulated host two seconds of its one processor: done at the
 * moment of the fault, the guest would stand still for that and not for the fault.
 */
final class AimedKill implements AutoCloseable {
  private static final int SECONDS = 30;

  /** Builtins of the shell only, once it has said that it is ready. */
  private static final String SCRIPT =
      """
      found=$(pgrep -f '%s') || exit 1
      echo aimed
      read -r
      kill -KILL $found
      """;

  private final String what;
  private final ExecSession session;
  private final CompletableFuture<Void> aimed = new CompletableFuture<>();
  private final CompletableFuture<Integer> exit;

  /**
   * Returns when the shell is ready.
   *
   * @param pattern matches the processes' command lines, and not the shell's own
   * @throws HereProgram.Refusal when there is no such process
   */
  AimedKill(Lab lab, String host, String pattern) {
    what = "SIGKILL for %s on %s".formatted(pattern, host);
    session = lab.start(host, SCRIPT.formatted(pattern));
    exit = CompletableFuture.supplyAsync(this::follow);
    CompletableFuture.anyOf(aimed, exit)
        .orTimeout(SECONDS, TimeUnit.SECONDS)
        .exceptionally(e -> null)
        .join();
    if (!aimed.isDone()) {
      session.close();
      throw new HereProgram.Refusal(what + ": no such process was found");
    }
  }

  private int follow() {
    OutputStream output =
        new OutputStream() {
          @Override
          public void write(int octet) {
            aimed.complete(null);
          }
        };
    try {
      return session.transferTo(output, OutputStream.nullOutputStream());
    } catch (IOException e) {
      return -1;
    }
  }

  /** Kills; returns when it is done. */
  void fire() {
    try {
      session.write("\n".getBytes(StandardCharsets.US_ASCII));
      if (exit.get(SECONDS, TimeUnit.SECONDS) == 0) {
        return;
      }
    } catch (IOException | ExecutionException | TimeoutException e) {
      throw new HereProgram.Refusal("%s failed: %s".formatted(what, e.getMessage()));
    } catch (InterruptedException e) {
      throw Pauses.interrupted();
    }
    throw new HereProgram.Refusal(what + " failed: it has ended by itself");
  }

  @Override
  public void close() {
    session.close();
  }
}
