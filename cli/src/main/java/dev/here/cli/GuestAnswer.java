package dev.here.cli;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for what the guest's service answers. */
final class GuestAnswer {
  private static final int SECONDS = 60;

  private GuestAnswer() {}

  /**
   * The answer.
   *
   * @param request for the message when none comes
   */
  static String await(CompletableFuture<String> answer, String request) {
    try {
      return answer.get(SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new HereProgram.Refusal(
          "the guest did not answer \"%s\" within %d s".formatted(request, SECONDS));
    } catch (InterruptedException e) {
      throw Pauses.interrupted();
    }
  }
}
