package dev.here.formats.control;

import dev.here.machine.Bytes;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import java.util.List;
import java.util.Optional;

/**
 * What a VMM process is asked, and what it answers: one answer a request, in order, on each
 * connection. Layout and sequences: docs/specs/vmm-control.md.
 */
public sealed interface ControlMessage {
  /** From the controller to the VMM. */
  sealed interface Request extends ControlMessage {}

  /** What waits for no request of another connection. */
  sealed interface Immediate extends Request {}

  /** From the VMM to the controller. */
  sealed interface Answer extends ControlMessage {}

  /** Makes the warm machine; answered by {@link Ready} with two descriptors. */
  record Prepare(MemoryMap memory, int vcpus) implements Request {}

  /** Gives memory and dirty bitmap of the running machine; answered by {@link Ready}. */
  record Attach() implements Request {}

  /**
   * Checks a state and keeps it for {@link Activate}; a machine of another shape than the last is
   * tried.
   *
   * @param state a machine state's octets, which nobody has looked at
   */
  record Validate(long stateId, Bytes state) implements Request {}

  /**
   * Runs the guest from a state.
   *
   * @param stateId of a state that was validated on this machine, when {@code state} is empty
   * @param state a machine state's octets
   */
  record Activate(long stateId, Optional<Bytes> state) implements Request {}

  /** The guest stands still until {@link Resume}. */
  record Pause() implements Request {}

  /** The guest goes on. */
  record Resume() implements Request {}

  /** Turns dirty logging on, empty, or off. */
  record Track(boolean on) implements Request {}

  /** Writes the pages dirtied since last time to the shared bitmap; the guest runs on. */
  record TakeDirty() implements Request {}

  /** Pauses, writes the dirty bitmap, takes the state; the guest stands until {@link Resume}. */
  record Capture() implements Request {}

  /** The state of the last {@link Capture}; may be asked while the guest runs. */
  record TakeState() implements Request {}

  /** Writes a checkpoint with memory to a file of the VMM's host. */
  record Save(String path) implements Request {}

  /** How the machine is. */
  record AskStatus() implements Immediate {}

  /** Ends the process and with it the guest. */
  record Quit() implements Request {}

  /** What the machine has of its host. */
  record AskDevices() implements Immediate {}

  /** Memory and dirty bitmap come along as descriptors, in this order. */
  record Ready(MemoryMap memory, String hypervisor) implements Answer {}

  /** It is done; how long the part took that the guest felt. */
  record Done(long nanos) implements Answer {}

  /** See PauseTimes in the driver interface. */
  record Captured(long stopNanos, long dirtyLogNanos, long stateNanos, int pageCount)
      implements Answer {}

  /** Answer to {@link TakeDirty}. */
  record DirtyTaken(int pageCount) implements Answer {}

  /** Answer to {@link TakeState}. */
  record StateIs(MachineState state) implements Answer {}

  /**
   * Answer to {@link AskStatus}.
   *
   * @param phase what it does
   * @param executedNanos CPU time of all vCPUs
   * @param idle all vCPUs wait for an interrupt
   * @param text why it stopped, else empty
   */
  record StatusIs(Phase phase, long executedNanos, boolean idle, String text) implements Answer {}

  /**
   * The request was not done; the machine is as before.
   *
   * @param refused the machine state is to blame
   */
  record Failed(boolean refused, String text) implements Answer {}

  /**
   * Answer to {@link AskDevices}.
   *
   * @param disks by rising PCI address
   * @param cards network cards, by rising PCI address
   */
  record DevicesAre(int vcpus, List<Disk> disks, List<Card> cards) implements Answer {
    public DevicesAre {
      disks = List.copyOf(disks);
      cards = List.copyOf(cards);
    }
  }

  /** An image or block device that a disk of the guest is kept in. */
  record Disk(String path, boolean readOnly) {}

  /**
   * A network card's way out.
   *
   * @param tap name of the TAP
   * @param queuePairs how many of the TAP's queues are open, 1 to 255
   */
  record Card(String tap, int queuePairs) {}

  /** Life of a machine. */
  enum Phase {
    /** The process waits for {@link Prepare}. */
    EMPTY,
    /** Prepared, no guest yet. */
    WARM,
    RUNNING,
    PAUSED,
    /** The guest cannot go on. */
    STOPPED
  }
}
