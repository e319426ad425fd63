package dev.here.testkit;

import dev.here.hypervisor.Capture;
import dev.here.hypervisor.EpochBoundary;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import dev.here.hypervisor.PageSink;
import dev.here.hypervisor.PauseTimes;
import dev.here.hypervisor.Primary;
import dev.here.machine.DirtySet;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.TranslationReport;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * A hypervisor that runs a {@link FakeGuest} on a thread, a tick every so often, and hands each
 * tick's number to the guest's network. It crashes, hangs and fails when it is told to.
 */
public final class FakePrimary implements Primary {
  private static final int SEED_STEP_PAGES = 64;

  private final FakeGuest guest;
  private final LongConsumer network;
  private final long tickNanos;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;
  private final DirtySet dirty;
  private final Thread processor;
  private long ticks;
  private boolean gone;
  private boolean hung;
  private boolean failing;
  private boolean crashing;
  private Optional<Throwable> captureFailure = Optional.empty();
  private Optional<Throwable> progressFailure = Optional.empty();
  private long endingMillis;
  private boolean closed;

  /**
   * Starts the guest.
   *
   * @param tickNanos pause between two ticks
   * @param network takes the number of each tick, while the guest's lock is held
   */
  public FakePrimary(FakeGuest guest, long tickNanos, LongConsumer network) {
    this.guest = guest;
    this.tickNanos = tickNanos;
    this.network = network;
    this.memory = arena.allocate(guest.sizeBytes(), MemoryRegion.PAGE_BYTES);
    this.dirty = new DirtySet(arena, guest.pageCount());
    this.processor = Thread.ofPlatform().name("fake-guest").daemon().start(this::execute);
  }

  private void execute() {
    try {
      while (true) {
        synchronized (this) {
          if (gone) {
            return;
          }
          if (!hung) {
            ticks++;
            guest.tick(memory, ticks, dirty::add);
            network.accept(ticks);
          }
        }
        Thread.sleep(tickNanos / 1_000_000, (int) (tickNanos % 1_000_000));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The hypervisor's process ends. */
  public synchronized void crash() {
    gone = true;
    processor.interrupt();
    notifyAll();
  }

  /** The guest stands still and the hypervisor does not get on with a capture. */
  public synchronized void hang() {
    hung = true;
  }

  /** The next capture fails halfway; the guest runs on. */
  public synchronized void failNextCapture() {
    failing = true;
  }

  /** The next capture ends with {@code failure}, which no driver should end with. */
  public synchronized void breakNextCapture(Throwable failure) {
    captureFailure = Optional.of(failure);
  }

  /** The next question for the guest's progress ends with {@code failure}, as above. */
  public synchronized void breakNextProgress(Throwable failure) {
    progressFailure = Optional.of(failure);
  }

  /** The hypervisor ends after the next capture, before it has told the machine state. */
  public synchronized void crashInNextCapture() {
    crashing = true;
  }

  /**
   * When it ends, that takes a while: who kills it waits for {@code millis}, and who asks for
   * progress waits as long as he may.
   */
  public synchronized void endSlowly(long millis) {
    endingMillis = millis;
  }

  /** Ticks executed so far. */
  public synchronized long ticks() {
    return ticks;
  }

  /** The guest does not run here any more. */
  public synchronized boolean isGone() {
    return gone;
  }

  /** Protection was ended and the guest left alone. */
  public synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public String hypervisor() {
    return "fake-1";
  }

  @Override
  public MemoryMap memoryMap() {
    return guest.machine(0).memory();
  }

  @Override
  public void seed(PageSink sink) {
    int first = 0;
    while (first < guest.pageCount()) {
      synchronized (this) {
        requireThere();
        int end = Math.min(first + SEED_STEP_PAGES, guest.pageCount());
        for (int page = first; page < end; page++) {
          deliver(page, sink);
        }
        first = end;
      }
    }
    synchronized (this) {
      requireThere();
      boolean odd = false;
      for (int page = dirty.next(0); page >= 0; page = dirty.next(page + 1)) {
        odd = !odd;
        if (odd) {
          deliver(page, sink);
        }
      }
    }
  }

  private void deliver(int page, PageSink sink) {
    sink.page(page, memory, (long) page * MemoryRegion.PAGE_BYTES);
    remove(page);
  }

  private void remove(int page) {
    long word = page >>> 6;
    dirty
        .words()
        .setAtIndex(
            ValueLayout.JAVA_LONG,
            word,
            dirty.words().getAtIndex(ValueLayout.JAVA_LONG, word) & ~(1L << page));
  }

  @Override
  public synchronized Capture capture(PageSink sink, EpochBoundary boundary) {
    awaitAnswer();
    Optional<Throwable> broken = captureFailure;
    captureFailure = Optional.empty();
    broken.ifPresent(FakeFailure::raise);
    long start = System.nanoTime();
    boundary.guestStopped();
    int pages = 0;
    for (int page = dirty.next(0); page >= 0; page = dirty.next(page + 1)) {
      sink.page(page, memory, (long) page * MemoryRegion.PAGE_BYTES);
      pages++;
      if (failing && pages > 1) {
        failing = false;
        throw new HypervisorException("the fake was told to fail after %d pages".formatted(pages));
      }
    }
    dirty.clear();
    MachineState state = guest.machine(ticks);
    if (crashing) {
      crash();
    }
    return new Capture(
        new PauseTimes(0, 0, 0, System.nanoTime() - start, 0), pages, () -> translation(state));
  }

  private synchronized Capture.Translation translation(MachineState state) {
    if (crashing) {
      requireThere();
    }
    return new Capture.Translation(state, TranslationReport.COMPLETE);
  }

  private void awaitAnswer() {
    while (hung && !gone) {
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new HypervisorException("the capture was interrupted", e);
      }
    }
    requireThere();
  }

  private void requireThere() {
    if (gone) {
      throw new HypervisorGoneException("the fake hypervisor has ended");
    }
  }

  @Override
  public synchronized GuestProgress progress(long timeoutNanos) {
    Optional<Throwable> broken = progressFailure;
    progressFailure = Optional.empty();
    broken.ifPresent(FakeFailure::raise);
    if (gone && endingMillis > 0) {
      linger(timeoutNanos / 1_000_000);
    }
    return new GuestProgress(!gone, false, ticks * 1000, false);
  }

  @Override
  public synchronized void kill() {
    crash();
    linger(endingMillis);
  }

  private void linger(long millis) {
    try {
      long deadline = System.nanoTime() + millis * 1_000_000;
      for (long left = millis; left > 0; left = (deadline - System.nanoTime()) / 1_000_000) {
        wait(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The guest goes on; {@link #crash} ends it. */
  @Override
  public synchronized void close() {
    closed = true;
  }
}
