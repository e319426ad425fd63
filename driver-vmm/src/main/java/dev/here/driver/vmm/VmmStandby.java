package dev.here.driver.vmm;

import dev.here.formats.control.ControlMessage;
import dev.here.hypervisor.EncodedState;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import dev.here.hypervisor.Standby;
import dev.here.machine.MemoryMap;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A replica in a warm process of our own VMM: its memory is shared with this process, its KVM VM
 * and vCPUs exist, so a take-over sets state and runs.
 */
public final class VmmStandby implements Standby {
  private static final long START_NANOS = 60_000_000_000L;

  private final VmmCommand command;
  private final Path socket;
  private final Path log;
  private Optional<Process> started = Optional.empty();
  private Optional<Warm> warm = Optional.empty();
  private long lastStateId;
  private Optional<Validated> lastValidated = Optional.empty();
  private boolean activated;

  /** The process and what it shares. */
  private record Warm(VmmControl control, VmmProgress progress, SharedMachine machine) {}

  /** A state that the process has, and by which number. */
  private record Validated(long stateId, EncodedState state) {}

  /**
   * @param socket where the VMM shall listen; its folder exists, the path does not
   * @param log gets what the process prints
   */
  public VmmStandby(VmmCommand command, Path socket, Path log) {
    this.command = command;
    this.socket = socket;
    this.log = log;
  }

  @Override
  public String hypervisor() {
    return warm().machine().hypervisor();
  }

  private Warm warm() {
    return warm.orElseThrow(() -> new IllegalStateException("prepare comes first"));
  }

  /** The VMM's control socket. */
  public Path socket() {
    return socket;
  }

  /** The VMM's process, once it was started. */
  public Optional<ProcessHandle> process() {
    return started.map(Process::toHandle);
  }

  /** Starts the process ahead of {@link #prepare}, which then need not wait for it. */
  public void start() {
    if (started.isEmpty()) {
      started = Optional.of(launch());
    }
  }

  /** Takes a spare process as its own, if it can still be had. */
  public void startFrom(VmmSpare spare) {
    if (started.isEmpty()) {
      started = spare.use(command.options(), socket, log);
    }
  }

  @Override
  public void prepare(MemoryMap memory, int vcpus) {
    start();
    Process process = started.orElseThrow();
    try {
      VmmControl control = connect(process);
      SharedMachine machine = SharedMachine.of(control, new ControlMessage.Prepare(memory, vcpus));
      warm = Optional.of(new Warm(control, new VmmProgress(socket), machine));
    } catch (RuntimeException e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private Process launch() {
    try {
      return new ProcessBuilder(command.with(socket))
          .redirectInput(Path.of("/dev/null").toFile())
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
          .start();
    } catch (IOException e) {
      throw new HypervisorException("cannot start the VMM: " + e.getMessage(), e);
    }
  }

  private VmmControl connect(Process process) {
    long deadline = System.nanoTime() + START_NANOS;
    while (true) {
      try {
        return VmmControl.connect(socket);
      } catch (HypervisorGoneException e) {
        if (!process.isAlive() || System.nanoTime() > deadline) {
          throw new HypervisorException("the VMM did not start; see " + log, e);
        }
      }
      try {
        boolean ended = process.waitFor(10, TimeUnit.MILLISECONDS);
        if (ended) {
          throw new HypervisorException(
              "the VMM ended with %d; see %s".formatted(process.exitValue(), log));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new HypervisorException("interrupted while the VMM started", e);
      }
    }
  }

  @Override
  public MemorySegment memory() {
    return warm().machine().memory();
  }

  /** The octets go to the process as they came; it decodes them. */
  @Override
  public void validate(EncodedState state) {
    lastStateId++;
    warm().control().done(new ControlMessage.Validate(lastStateId, state.octets()));
    lastValidated = Optional.of(new Validated(lastStateId, state));
  }

  @Override
  public void activate(EncodedState state) {
    warm().control().done(activation(state));
    activated = true;
  }

  private ControlMessage.Activate activation(EncodedState state) {
    return lastValidated
        .filter(known -> known.state().equals(state))
        .map(known -> new ControlMessage.Activate(known.stateId(), Optional.empty()))
        .orElseGet(() -> new ControlMessage.Activate(0, Optional.of(state.octets())));
  }

  @Override
  public GuestProgress progress(long timeoutNanos) {
    return warm().progress().ask(timeoutNanos);
  }

  @Override
  public void close() {
    if (warm.isPresent()) {
      Warm machine = warm.get();
      warm = Optional.empty();
      machine.progress().close();
      machine.control().close();
      machine.machine().close();
    }
    if (!activated) {
      started.ifPresent(Process::destroyForcibly);
    }
  }
}
