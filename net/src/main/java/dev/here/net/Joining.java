package dev.here.net;

/** Waits for threads that have been told to end. */
final class Joining {
  private Joining() {}

  /** Returns once {@code thread} has ended; an interrupt is kept for the caller. */
  static void await(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
