package dev.here.cli;

import java.util.concurrent.TimeUnit;

/** An end to waiting. */
final class Deadline {
  private final int seconds;
  private final String missed;
  private final long endNanos;

  /**
   * @param missed what is to be said when the time is over
   */
  Deadline(int seconds, String missed) {
    this.seconds = seconds;
    this.missed = missed;
    endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
  }

  /** Does nothing before the end and refuses after it, with what was seen last. */
  void check(String last) {
    if (System.nanoTime() - endNanos > 0) {
      throw new HereProgram.Refusal("%s after %d s: %s".formatted(missed, seconds, last));
    }
  }
}
