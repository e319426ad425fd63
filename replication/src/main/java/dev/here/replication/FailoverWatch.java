package dev.here.replication;

import dev.here.formats.wire.Message;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Steps a {@link Failover} on a thread of its own, and feeds it with what an {@link EpochReceiver}
 * hears.
 */
public final class FailoverWatch implements ReceiverEvents, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FailoverWatch.class);

  private final Failover failover;
  private final long stepNanos;
  private final Thread thread;
  private final Queue<Runnable> events = new ConcurrentLinkedQueue<>();
  private boolean woken;
  private boolean closed;

  /** {@code stepNanos}: how often the failover is stepped when nothing happens. */
  public FailoverWatch(Failover failover, long stepNanos) {
    this.failover = failover;
    this.stepNanos = stepNanos;
    this.thread = Thread.ofPlatform().name("failover").daemon().unstarted(this::run);
    thread.start();
  }

  private void run() {
    try {
      while (awaitStep()) {
        step();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whatever goes wrong in one step, a standby that no longer watched would never take over. */
  private void step() {
    try {
      for (Runnable event = events.poll(); event != null; event = events.poll()) {
        event.run();
      }
      failover.step(System.nanoTime());
    } catch (RuntimeException e) {
      LOG.error("a step towards the take-over failed; the next one is tried", e);
    }
  }

  private synchronized boolean awaitStep() throws InterruptedException {
    long deadline = System.nanoTime() + stepNanos;
    while (!woken && !closed) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        break;
      }
      wait(left / 1_000_000, (int) (left % 1_000_000));
    }
    woken = false;
    return !closed;
  }

  /** Events are told to the failover by its own thread: a take-over must block nobody else. */
  private void tell(Runnable event) {
    events.add(event);
    synchronized (this) {
      woken = true;
      notifyAll();
    }
  }

  /** The user wants the guest here. */
  public void command() {
    tell(() -> failover.command(System.nanoTime()));
  }

  @Override
  public void connected() {
    // The heartbeat follows at once and says more.
  }

  @Override
  public void heard(Message.Progress progress) {
    long heardNanos = System.nanoTime();
    tell(() -> failover.heard(heardNanos, progress));
  }

  @Override
  public void committed(long epoch, int pages, long commitNanos) {
    // Of no concern for failover: the committed checkpoint is looked up when it is needed.
  }

  @Override
  public void goodbye(Message.Goodbye goodbye) {
    tell(() -> failover.goodbye(System.nanoTime(), goodbye));
  }

  @Override
  public void disconnected(String reason) {
    tell(failover::disconnected);
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    try {
      if (Thread.currentThread() != thread) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
