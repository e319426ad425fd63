package dev.here.ffi;

/**
 * While it lasts the thread that began it, and threads that this one starts, go before all that
 * have the usual scheduling policy: for work that is short, seldom, and waited for by others. Where
 * this process may not, nothing changes. Processes that are started meanwhile inherit it, too:
 * start none. To be ended by the same platform thread.
 */
public final class Urgency implements AutoCloseable {
  /** The least that goes before the usual policy (sched(7), SCHED_FIFO). */
  private static final int PRIORITY = 1;

  private final boolean granted;

  private Urgency(boolean granted) {
    this.granted = granted;
  }

  /** Begins for the calling platform thread. */
  public static Urgency begin() {
    return new Urgency(Threads.schedule(0, PRIORITY) == 0);
  }

  @Override
  public void close() {
    if (granted) {
      Threads.schedule(0, 0);
    }
  }
}
