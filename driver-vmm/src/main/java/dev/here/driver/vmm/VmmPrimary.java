package dev.here.driver.vmm;

import dev.here.ffi.ProcessStat;
import dev.here.formats.control.ControlMessage;
import dev.here.hypervisor.Capture;
import dev.here.hypervisor.EpochBoundary;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
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
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * A guest of our own VMM under protection. The VMM shares the guest's memory, so the dirty pages
 * are copied straight from it to the sink while the guest stands still: one copy, and the VMM's
 * process does nothing per page.
 */
public final class VmmPrimary implements Primary {
  private static final int MAX_PASSES = 8;
  private static final int SMALL_PASS_PAGES = 512;
  private static final Duration KILL_LIMIT = Duration.ofSeconds(5);
  private static final MemorySegment ZEROS = Arena.global().allocate(MemoryRegion.PAGE_BYTES, 64);

  private final VmmControl control;
  private final VmmProgress progress;
  private final SharedMachine machine;
  private final long pid;
  private boolean closed;

  private VmmPrimary(VmmControl control, Path socket, SharedMachine machine) {
    this.control = control;
    this.progress = new VmmProgress(socket);
    this.machine = machine;
    this.pid = control.pid();
  }

  /**
   * Attaches to a VMM that runs a guest.
   *
   * @param socket its control socket
   */
  public static VmmPrimary attach(Path socket) {
    VmmControl control = VmmControl.connect(socket);
    try {
      return new VmmPrimary(
          control, socket, SharedMachine.of(control, new ControlMessage.Attach()));
    } catch (RuntimeException e) {
      control.close();
      throw e;
    }
  }

  @Override
  public String hypervisor() {
    return machine.hypervisor();
  }

  @Override
  public MemoryMap memoryMap() {
    return machine.map();
  }

  /**
   * Takes a state that nobody wants, for a pause as a checkpoint has it: what a process does for
   * the first time takes seconds on a slow host, and the guest's frames need not wait for that.
   */
  public MachineState rehearse() {
    control.done(new ControlMessage.Track(true));
    control.ask(new ControlMessage.Capture(), ControlMessage.Captured.class);
    control.done(new ControlMessage.Resume());
    return takeState();
  }

  private MachineState takeState() {
    return control.ask(new ControlMessage.TakeState(), ControlMessage.StateIs.class).state();
  }

  @Override
  public void seed(PageSink sink) {
    control.done(new ControlMessage.Track(true));
    for (int page = 0; page < machine.map().pageCount(); page++) {
      long offset = (long) page * MemoryRegion.PAGE_BYTES;
      if (!zero(machine.memory(), offset)) {
        sink.page(page, machine.memory(), offset);
      }
    }
    int before = Integer.MAX_VALUE;
    for (int pass = 0; pass < MAX_PASSES; pass++) {
      int pages =
          control.ask(new ControlMessage.TakeDirty(), ControlMessage.DirtyTaken.class).pageCount();
      deliver(sink);
      if (pages < SMALL_PASS_PAGES || pages >= before) {
        return;
      }
      before = pages;
    }
  }

  private static boolean zero(MemorySegment memory, long offset) {
    long end = offset + MemoryRegion.PAGE_BYTES;
    return MemorySegment.mismatch(memory, offset, end, ZEROS, 0, MemoryRegion.PAGE_BYTES) < 0;
  }

  private void deliver(PageSink sink) {
    DirtySet dirty = machine.dirty();
    for (int page = dirty.next(0); page >= 0; page = dirty.next(page + 1)) {
      sink.page(page, machine.memory(), (long) page * MemoryRegion.PAGE_BYTES);
    }
  }

  @Override
  public Capture capture(PageSink sink, EpochBoundary boundary) {
    ControlMessage.Captured captured =
        control.ask(new ControlMessage.Capture(), ControlMessage.Captured.class);
    long start = System.nanoTime();
    long copyNanos;
    long stoodNanos;
    try {
      boundary.guestStopped();
      deliver(sink);
    } finally {
      copyNanos = System.nanoTime() - start;
      stoodNanos = control.done(new ControlMessage.Resume());
    }
    long knownNanos =
        captured.stopNanos() + captured.dirtyLogNanos() + captured.stateNanos() + copyNanos;
    // What the two processes tell each other while the guest stands still counts as resuming it.
    PauseTimes pause =
        new PauseTimes(
            captured.stopNanos(),
            captured.dirtyLogNanos(),
            captured.stateNanos(),
            copyNanos,
            Math.max(0, stoodNanos - knownNanos));
    Capture.Translation translation =
        new Capture.Translation(takeState(), TranslationReport.COMPLETE);
    return new Capture(pause, captured.pageCount(), () -> translation);
  }

  @Override
  public GuestProgress progress(long timeoutNanos) {
    return progress.ask(timeoutNanos);
  }

  @Override
  public void kill() {
    Optional<ProcessHandle> process = ProcessHandle.of(pid);
    if (process.isEmpty()) {
      return;
    }
    process.get().destroyForcibly();
    if (!ProcessStat.awaitEnd(pid, KILL_LIMIT)) {
      throw new HypervisorException(
          "the VMM's process %d has not ended within %d s".formatted(pid, KILL_LIMIT.toSeconds()));
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    progress.close();
    try {
      control.done(new ControlMessage.Track(false));
    } catch (HypervisorException e) {
      // The VMM has gone, and its dirty log with it.
    } finally {
      control.close();
      machine.close();
    }
  }
}
