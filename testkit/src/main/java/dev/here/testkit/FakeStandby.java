package dev.here.testkit;

import dev.here.hypervisor.EncodedState;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.Standby;
import dev.here.hypervisor.StateRefusedException;
import dev.here.machine.MachineShape;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A warm hypervisor for a {@link FakeGuest}'s replica. */
public final class FakeStandby implements Standby {
  private final Arena arena = Arena.ofShared();
  private @Nullable MemorySegment memory;
  private @Nullable MachineState active;
  private Optional<MachineShape> triedShape = Optional.empty();
  private int tried;
  private boolean refusing;
  private boolean stalling;
  private Optional<Throwable> trialFailure = Optional.empty();
  private Optional<Throwable> activationFailure = Optional.empty();

  @Override
  public String hypervisor() {
    return "fake-2";
  }

  @Override
  public void prepare(MemoryMap map, int vcpus) {
    if (memory != null) {
      throw new IllegalStateException("prepare is called once");
    }
    memory = arena.allocate(map.backingSizeBytes(), MemoryRegion.PAGE_BYTES);
  }

  @Override
  public MemorySegment memory() {
    if (memory == null) {
      throw new IllegalStateException("prepare comes before memory");
    }
    return memory;
  }

  /** From now on states are refused, or taken again. */
  public synchronized void refuse(boolean on) {
    refusing = on;
  }

  /** From now on states wait before they are tried, or do so no longer. */
  public synchronized void stall(boolean on) {
    stalling = on;
    notifyAll();
  }

  /** Trials end with {@code failure} from now on, which no driver should end with. */
  public synchronized void breakTrials(Throwable failure) {
    trialFailure = Optional.of(failure);
  }

  /** Activation ends with {@code failure}, as above. */
  public synchronized void breakActivation(Throwable failure) {
    activationFailure = Optional.of(failure);
  }

  /** States that were tried and not only range-checked. */
  public synchronized int tried() {
    return tried;
  }

  @Override
  public synchronized void validate(EncodedState encoded) {
    trialFailure.ifPresent(FakeFailure::raise);
    MachineState state = encoded.decoded();
    try {
      while (stalling) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (refusing) {
      throw new StateRefusedException("the fake was told to refuse vcpu.xcr0");
    }
    if (state.memory().backingSizeBytes() != memory().byteSize()) {
      throw new StateRefusedException(
          "the state has %d octets of memory, the fake was prepared with %d"
              .formatted(state.memory().backingSizeBytes(), memory().byteSize()));
    }
    Optional<MachineShape> shape = Optional.of(MachineShape.of(state));
    if (!triedShape.equals(shape)) {
      tried++;
      triedShape = shape;
    }
  }

  @Override
  public synchronized void activate(EncodedState state) {
    activationFailure.ifPresent(FakeFailure::raise);
    active = state.decoded();
  }

  /** Whether the guest was activated. */
  public synchronized boolean isActive() {
    return active != null;
  }

  /** The tick of the machine state that the guest was activated from. */
  public synchronized long activatedTicks() {
    if (active == null) {
      throw new IllegalStateException("the guest was not activated");
    }
    return FakeGuest.ticks(active);
  }

  @Override
  public synchronized GuestProgress progress(long timeoutNanos) {
    return new GuestProgress(true, active == null, 0, true);
  }

  @Override
  public void close() {
    arena.close();
  }
}
