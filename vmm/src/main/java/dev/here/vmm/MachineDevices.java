package dev.here.vmm;

import dev.here.machine.ClockState;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.VcpuState;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** Everything of a machine but memory and vCPUs. Called with the platform's lock held. */
interface MachineDevices extends AutoCloseable {
  /** What a machine offers to the devices that are put into it. */
  record Sockets(
      ReentrantLock lock,
      PortBus ports,
      MmioBus mmio,
      GuestMemory memory,
      GuestClock clock,
      MsiSink msi,
      InterruptLine externalInterrupt,
      MemoryMover memoryMover,
      MachineEnd end) {}

  /** Makes the devices of a state; they stand still until {@link #resume}. */
  @FunctionalInterface
  interface Factory {
    /**
     * @throws VmmException or dev.here.machine.InvalidMachineStateException naming what cannot be
     *     continued here
     */
    MachineDevices make(MachineState state, Sockets sockets);

    /**
     * Finds out whether the host has what the devices of a state need.
     *
     * @throws VmmException naming what is missing
     */
    default void check(MachineState state) {}
  }

  /** Moves regions of guest memory while the guest runs. */
  @FunctionalInterface
  interface MemoryMover {
    void remap(MemoryMap map);
  }

  /** The guest ends itself. */
  @FunctionalInterface
  interface MachineEnd {
    /**
     * @param reset it wants to start again, else it has switched itself off
     */
    void requested(boolean reset, String reason);
  }

  Pic pic();

  IoApic ioApic();

  /** The guest runs from now on. */
  void resume();

  /** The guest stands still: nothing of these devices touches memory after this returns. */
  void pause();

  /** The guest runs and has come from elsewhere: its networks are told. */
  default void announce() {}

  /** The state of all, with what the machine adds. */
  MachineState save(MemoryMap memory, List<VcpuState> vcpus, ClockState clock);

  @Override
  void close();
}
