package dev.here.vmm;

import dev.here.ffi.FileDescriptor;
import dev.here.ffi.MappedMemory;
import dev.here.ffi.MemFile;
import dev.here.formats.control.ControlMessage;
import dev.here.formats.control.ControlMessage.Phase;
import dev.here.formats.state.CheckpointFile;
import dev.here.formats.state.MachineStateCodec;
import dev.here.formats.state.StateFormatException;
import dev.here.kvm.Kvm;
import dev.here.machine.Bytes;
import dev.here.machine.DirtySet;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MachineShape;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.TranslationReport;
import dev.here.machine.VcpuState;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The machine of this process as its controllers see it: each request is done whole before the
 * next, except the question for its status, which never waits.
 */
final class MachineControl implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MachineControl.class);
  private static final String NAME = "here-vmm-0.1.0";
  private static final int STATUS_RESET = 2;
  private static final int STATUS_FAILED = 3;

  /** An answer and the descriptors that go with it, which stay this object's. */
  record Reply(ControlMessage.Answer message, FileDescriptor... descriptors) {}

  private record Validated(long stateId, MachineState state) {}

  private final Kvm kvm;
  private final HostDevices devices;
  private final CountDownLatch quit = new CountDownLatch(1);
  private Optional<GuestBacking> backing = Optional.empty();
  private Optional<SharedDirtySet> dirty = Optional.empty();
  private volatile Optional<Machine> machine = Optional.empty();
  private Optional<MachineShape> triedShape = Optional.empty();
  private Optional<Validated> validated = Optional.empty();
  private Optional<MachineState> captured = Optional.empty();

  /** When the guest was last told to stand still. */
  private long pausedNanos = System.nanoTime();

  /** The dirty set holds pages of a capture that failed: nobody has been given them yet. */
  private boolean dirtyKept;

  /**
   * @param kvm stays the caller's
   */
  MachineControl(Kvm kvm, HostDevices devices) {
    this.kvm = kvm;
    this.devices = devices;
  }

  /** A dirty set that the controller has mapped too. */
  private record SharedDirtySet(FileDescriptor file, MappedMemory mapping, DirtySet set)
      implements AutoCloseable {
    static SharedDirtySet of(int pageCount) {
      long sizeBytes = (DirtySet.wordBytes(pageCount) + 4095) / 4096 * 4096;
      FileDescriptor file = MemFile.create("dirty-pages", sizeBytes);
      MappedMemory mapping = MappedMemory.shared(file, 0, sizeBytes);
      return new SharedDirtySet(file, mapping, DirtySet.over(mapping.segment(), pageCount));
    }

    @Override
    public void close() {
      mapping.close();
      file.close();
    }
  }

  /** Does what is asked; a failure becomes an answer. */
  Reply answer(ControlMessage.Request request) {
    try {
      if (request instanceof ControlMessage.Immediate immediate) {
        return new Reply(answerAtOnce(immediate));
      }
      synchronized (this) {
        return serve(request);
      }
    } catch (StateFormatException
        | InvalidMachineStateException
        | VmmException
        | VirtioRefusedException e) {
      LOG.info("refused {}: {}", request.getClass().getSimpleName(), e.getMessage());
      return new Reply(new ControlMessage.Failed(bringsState(request), text(e)));
    } catch (RuntimeException | IOException e) {
      LOG.warn("{} failed", request.getClass().getSimpleName(), e);
      return new Reply(new ControlMessage.Failed(false, text(e)));
    }
  }

  private ControlMessage.Answer answerAtOnce(ControlMessage.Immediate request) {
    return switch (request) {
      case ControlMessage.AskStatus() -> status();
      case ControlMessage.AskDevices() -> devicesAre();
    };
  }

  private ControlMessage.DevicesAre devicesAre() {
    return new ControlMessage.DevicesAre(
        running().apicIds().size(),
        devices.disks().stream()
            .map(disk -> new ControlMessage.Disk(disk.path(), disk.readOnly()))
            .toList(),
        devices.taps().stream()
            .map(queues -> new ControlMessage.Card(queues.getFirst().name(), queues.size()))
            .toList());
  }

  /** Of other requests the machine state cannot be to blame. */
  private static boolean bringsState(ControlMessage.Request request) {
    return request instanceof ControlMessage.Prepare
        || request instanceof ControlMessage.Validate
        || request instanceof ControlMessage.Activate;
  }

  private static String text(Exception e) {
    String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message;
  }

  private Reply serve(ControlMessage.Request request) throws IOException {
    return switch (request) {
      case ControlMessage.Prepare(MemoryMap memory, int vcpus) -> {
        prepare(memory, IntStream.range(0, vcpus).boxed().toList());
        yield ready();
      }
      case ControlMessage.Attach() -> ready();
      case ControlMessage.Validate(long id, Bytes state) -> {
        validate(id, decoded(state));
        yield done(0);
      }
      case ControlMessage.Activate(long id, Optional<Bytes> state) ->
          done(activate(state.map(MachineControl::decoded).orElseGet(() -> validated(id))));
      case ControlMessage.Pause() -> done(pause(running()));
      case ControlMessage.Resume() -> {
        running().resume();
        yield done(System.nanoTime() - pausedNanos);
      }
      case ControlMessage.Track(boolean on) -> {
        running().track(on);
        yield done(0);
      }
      case ControlMessage.TakeDirty() -> new Reply(new ControlMessage.DirtyTaken(takeDirty()));
      case ControlMessage.Capture() -> new Reply(capture());
      case ControlMessage.TakeState() ->
          new Reply(
              new ControlMessage.StateIs(
                  captured.orElseThrow(() -> new VmmException("nothing was captured yet"))));
      case ControlMessage.Save(String path) -> {
        save(Path.of(path));
        yield done(0);
      }
      case ControlMessage.Quit() -> done(0);
      case ControlMessage.Immediate immediate -> new Reply(answerAtOnce(immediate));
    };
  }

  private static Reply done(long nanos) {
    return new Reply(new ControlMessage.Done(nanos));
  }

  private Reply ready() {
    GuestBacking memory =
        backing.orElseThrow(() -> new VmmException("no machine was prepared in this process yet"));
    return new Reply(
        new ControlMessage.Ready(running().memory().map(), NAME),
        memory.file(),
        dirty.orElseThrow().file());
  }

  private Machine running() {
    return machine.orElseThrow(
        () -> new VmmException("no machine was prepared in this process yet"));
  }

  /** Makes memory and a warm machine. */
  synchronized Machine prepare(MemoryMap memory, List<Integer> apicIds) {
    if (backing.isPresent()) {
      throw new VmmException("this process has its machine already; start another process");
    }
    GuestBacking made = new GuestBacking(memory.backingSizeBytes());
    backing = Optional.of(made);
    dirty = Optional.of(SharedDirtySet.of(memory.pageCount()));
    Machine warm = new Machine(kvm, made, memory, apicIds);
    machine = Optional.of(warm);
    return warm;
  }

  /** The warm machine made anew where the state's vCPUs have other ids than it was made with. */
  private Machine warmFor(MachineState state) {
    List<Integer> apicIds = state.vcpus().stream().map(VcpuState::apicId).toList();
    Machine warm = running();
    long sizeBytes = backing.orElseThrow().memory().byteSize();
    if (state.memory().backingSizeBytes() != sizeBytes) {
      throw new VmmException(
          "the state has %d octets of memory, this machine was prepared with %d"
              .formatted(state.memory().backingSizeBytes(), sizeBytes));
    }
    if (warm.phase() == Machine.Phase.WARM && !warm.apicIds().equals(apicIds)) {
      warm.close();
      warm = new Machine(kvm, backing.orElseThrow(), state.memory(), apicIds);
      machine = Optional.of(warm);
    }
    return warm;
  }

  /** The other host may be the attacked one: no octets from there may end the guest's process. */
  private static MachineState decoded(Bytes state) {
    try {
      return MachineStateCodec.decode(state.toArray());
    } catch (OutOfMemoryError e) {
      throw new VmmException(
          "a machine state of %d octets needs more memory than this VMM has"
              .formatted(state.length()),
          e);
    }
  }

  private void validate(long stateId, MachineState state) {
    Machine warm = warmFor(state);
    devices.check(state);
    Optional<MachineShape> shape = Optional.of(MachineShape.of(state));
    if (!triedShape.equals(shape)) {
      warm.tryVcpus(state);
      triedShape = shape;
    }
    validated = Optional.of(new Validated(stateId, state));
  }

  private MachineState validated(long stateId) {
    return validated
        .filter(known -> known.stateId() == stateId)
        .map(Validated::state)
        .orElseThrow(
            () -> new VmmException("state " + stateId + " is not the last one that was validated"));
  }

  private long activate(MachineState state) {
    long start = System.nanoTime();
    restore(state);
    long resumeNanos = takeOver();
    long nanos = System.nanoTime() - start;
    LOG.info(
        "the guest goes on here: {} us, of them {} us to let it run",
        nanos / 1000,
        resumeNanos / 1000);
    return nanos;
  }

  /** Lets a guest run that has come from elsewhere; returns how long that took, nanoseconds. */
  synchronized long takeOver() {
    long nanos = running().resume();
    running().announce();
    return nanos;
  }

  /** Takes a state into the prepared machine, which is paused afterwards. */
  synchronized void restore(MachineState state) {
    warmFor(state).load(state, devices, GuestTime.elapsedSince(state.clock()));
  }

  private int takeDirty() {
    DirtySet set = dirty.orElseThrow().set();
    if (!dirtyKept) {
      set.clear();
    }
    running().takeDirty(set);
    dirtyKept = false;
    return set.count();
  }

  private long pause(Machine guest) {
    long start = System.nanoTime();
    long nanos = guest.pause();
    pausedNanos = start;
    return nanos;
  }

  private ControlMessage.Captured capture() {
    Machine guest = running();
    long stopNanos = pause(guest);
    try {
      long start = System.nanoTime();
      int pages = takeDirty();
      long dirtyTaken = System.nanoTime();
      captured = Optional.of(guest.save());
      return new ControlMessage.Captured(
          stopNanos, dirtyTaken - start, System.nanoTime() - dirtyTaken, pages);
    } catch (RuntimeException e) {
      dirtyKept = true;
      guest.resume();
      throw e;
    }
  }

  private void save(Path file) throws IOException {
    Machine guest = running();
    boolean wasRunning = guest.phase() == Machine.Phase.RUNNING;
    if (wasRunning) {
      guest.pause();
    }
    try {
      CheckpointFile.write(
          file, guest.save(), TranslationReport.COMPLETE, backing.orElseThrow().memory());
    } finally {
      if (wasRunning) {
        guest.resume();
      }
    }
  }

  private ControlMessage.StatusIs status() {
    Optional<Machine> known = machine;
    if (known.isEmpty()) {
      return new ControlMessage.StatusIs(Phase.EMPTY, 0, true, "");
    }
    Machine guest = known.get();
    Phase phase = Phase.valueOf(guest.phase().name());
    boolean paused = phase != Phase.RUNNING;
    String text = guest.end().map(Machine.End::reason).orElse("");
    return new ControlMessage.StatusIs(phase, guest.executedNanos(), paused || guest.idle(), text);
  }

  /** The process is to end, once the answer to {@code Quit} is sent. */
  void quit() {
    quit.countDown();
  }

  /** Waits until a controller ends the process. */
  void awaitQuit() throws InterruptedException {
    quit.await();
  }

  /** Waits until the guest has ended; returns the status that the process ends with. */
  int awaitGuestEnd() throws InterruptedException {
    Machine.End end = running().awaitEnd();
    return end.reset() ? STATUS_RESET : end.off() ? 0 : STATUS_FAILED;
  }

  @Override
  public synchronized void close() {
    machine.ifPresent(Machine::close);
    dirty.ifPresent(SharedDirtySet::close);
    backing.ifPresent(GuestBacking::close);
  }
}
