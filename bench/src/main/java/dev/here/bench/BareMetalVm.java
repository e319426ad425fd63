package dev.here.bench;

import dev.here.driver.vmm.VmmStandby;
import dev.here.testkit.SelfCheckingGuest;
import dev.here.vmm.BareMetalStart;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A self-checking guest without operating system and the VMM processes that it runs in, which end
 * with this.
 */
final class BareMetalVm implements AutoCloseable {
  private static final int VCPUS = 2;
  private static final int REGION_BYTES = 512 << 10;
  private static final int STRIDE_BYTES = 64;
  private static final int PACE = 100;

  private final VmmProcesses processes;
  private final SelfCheckingGuest guest;
  private final BareMetalMachine machine;

  /**
   * @param folder for sockets and the log of the processes
   * @param seed of the guest's memory
   */
  BareMetalVm(Path folder, long seed) {
    this.processes = new VmmProcesses(folder);
    this.guest = SelfCheckingGuest.of(VCPUS, REGION_BYTES, STRIDE_BYTES, seed, PACE);
    List<BareMetalStart.Entry> entries = new ArrayList<>();
    for (int vcpu = 0; vcpu < VCPUS; vcpu++) {
      SelfCheckingGuest.Start entry = guest.start(vcpu);
      entries.add(new BareMetalStart.Entry(entry.rip(), entry.rsp(), entry.rdi()));
    }
    this.machine = BareMetalMachine.of("self-checking", guest.ramBytes(), entries);
  }

  int vcpus() {
    return VCPUS;
  }

  /** A VMM process that was started ahead; others are started to follow it. */
  VmmStandby spare() {
    return processes.spare();
  }

  /** A VMM whose process is not started yet. */
  VmmStandby fresh() {
    return processes.fresh();
  }

  /** The guest at its beginning, running in a process of its own. */
  VmmStandby boot() {
    VmmStandby standby = fresh();
    standby.prepare(machine.memory(), VCPUS);
    guest.writeTo(standby.memory());
    standby.validate(machine.start());
    standby.activate(machine.start());
    return standby;
  }

  /** Generations that each vCPU has completed. */
  long[] generations(MemorySegment ram) {
    long[] all = new long[VCPUS];
    for (int vcpu = 0; vcpu < VCPUS; vcpu++) {
      all[vcpu] = guest.generation(ram, vcpu);
    }
    return all;
  }

  /** What is wrong in the memory of a guest that stands still. */
  List<String> verify(MemorySegment ram) {
    return guest.verify(ram);
  }

  /** Ends a process and forgets it. */
  void end(VmmStandby standby) {
    processes.end(standby);
  }

  @Override
  public void close() {
    processes.close();
  }
}
