package dev.here.replication;

import java.util.Optional;

/**
 * What others want of the loop, kept until the loop looks: it alone changes its state. Thread-safe.
 */
final class LoopSignal {
  /** Commands of the user. */
  enum Command {
    UNPROTECT,
    SWITCHOVER
  }

  private Optional<Command> command = Optional.empty();
  private Optional<Verdict> lost = Optional.empty();
  private boolean hurry;

  synchronized void command(Command wanted) {
    command = Optional.of(wanted);
    notifyAll();
  }

  /** The guest does not run here any more. The first verdict counts. */
  synchronized void lost(Verdict verdict) {
    if (lost.isEmpty()) {
      lost = Optional.of(verdict);
    }
    notifyAll();
  }

  /** The loop shall look at the hypervisor now and not at the interval's end. */
  synchronized void hurry() {
    hurry = true;
    notifyAll();
  }

  synchronized Optional<Command> command() {
    return command;
  }

  synchronized Optional<Verdict> lost() {
    return lost;
  }

  /**
   * Waits until the time has come, or somebody wants something.
   *
   * @return whether the time has come
   */
  synchronized boolean await(long deadlineNanos) throws InterruptedException {
    while (command.isEmpty() && lost.isEmpty() && !hurry) {
      long left = deadlineNanos - System.nanoTime();
      if (left <= 0) {
        return true;
      }
      wait(left / 1_000_000, (int) (left % 1_000_000));
    }
    hurry = false;
    return false;
  }

  /** Waits as {@link #await} does, but a planned move does not cut it short. */
  synchronized void awaitUrgent(long deadlineNanos) throws InterruptedException {
    while (!command.equals(Optional.of(Command.UNPROTECT)) && lost.isEmpty()) {
      long left = deadlineNanos - System.nanoTime();
      if (left <= 0) {
        break;
      }
      wait(left / 1_000_000, (int) (left % 1_000_000));
    }
  }

  /** Waits only for the time: a want that is there already does not shorten it. */
  static void rest(long nanos) throws InterruptedException {
    Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
  }
}
