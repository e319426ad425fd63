package dev.here.cli;

import java.util.concurrent.TimeUnit;

/** Waits of the command line; an interrupt ends the command. */
final class Pauses {
  private Pauses() {}

  static void millis(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  /** The exit code of a process, when it has ended. */
  static int await(Process process) {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  static HereProgram.Refusal interrupted() {
    Thread.currentThread().interrupt();
    return new HereProgram.Refusal("interrupted");
  }
}
