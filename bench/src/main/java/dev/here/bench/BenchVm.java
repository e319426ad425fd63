package dev.here.bench;

import dev.here.driver.vmm.VmmStandby;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** A writing guest that runs in a VMM process of its own, and the processes for its standbys. */
final class BenchVm implements AutoCloseable {
  private final VmmProcesses processes;
  private final WritingGuest guest;
  private final VmmStandby running;

  /**
   * Starts the guest.
   *
   * @param folder for sockets and the log of the processes; exists
   */
  BenchVm(Path folder, long ramBytes) {
    processes = new VmmProcesses(folder);
    guest = new WritingGuest(ramBytes);
    running = processes.fresh();
    try {
      BareMetalMachine machine = guest.machine();
      running.prepare(machine.memory(), 1);
      guest.writeTo(running.memory());
      running.validate(machine.start());
      running.activate(machine.start());
    } catch (RuntimeException e) {
      processes.close();
      throw e;
    }
  }

  /** The running guest's memory, mapped here. */
  MemorySegment ram() {
    return running.memory();
  }

  /** Lets the guest write pages and waits until it has. */
  void write(int pages, WritingGuest.Pattern pattern) {
    guest.write(ram(), pages, pattern);
  }

  /** Lets the guest rest for ever, so that it takes no processor from what is measured. */
  void rest() {
    guest.rest(ram());
  }

  /** A VMM process that was started ahead, for a standby. */
  VmmStandby spare() {
    return processes.spare();
  }

  void end(VmmStandby standby) {
    processes.end(standby);
  }

  ProtectedGuest protect(VmmStandby next) {
    return new ProtectedGuest(running, next);
  }

  @Override
  public void close() {
    processes.close();
  }
}
