package dev.here.bench;

import dev.here.driver.vmm.VmmCommand;
import dev.here.driver.vmm.VmmStandby;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.testkit.BareMetalImage;
import dev.here.testkit.SelfCheckingGuest;
import dev.here.vmm.BareMetalStart;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A self-checking guest without operating system and the VMM processes that it runs in, which end
 * with this.
 */
final class BareMetalVm implements AutoCloseable {
  private static final int VCPUS = 2;
  private static final int REGION_BYTES = 512 << 10;
  private static final int STRIDE_BYTES = 64;
  private static final int PACE = 100;
  private static final int SPARES = 2;

  private final Path folder;
  private final SelfCheckingGuest guest;
  private final MemoryMap memory;
  private final MachineState start;
  private final Deque<VmmStandby> spares = new ArrayDeque<>();
  private final Set<VmmStandby> started = ConcurrentHashMap.newKeySet();
  private int number;

  /**
   * @param folder for sockets and the log of the processes
   * @param seed of the guest's memory
   */
  BareMetalVm(Path folder, long seed) {
    this.folder = folder;
    this.guest = SelfCheckingGuest.of(VCPUS, REGION_BYTES, STRIDE_BYTES, seed, PACE);
    long ramBytes = guest.ramBytes();
    this.memory =
        new MemoryMap(ramBytes, List.of(new MemoryRegion("ram", 0, ramBytes, MemoryKind.RAM, 0)));
    List<BareMetalStart.Entry> entries = new ArrayList<>();
    for (int vcpu = 0; vcpu < VCPUS; vcpu++) {
      SelfCheckingGuest.Start entry = guest.start(vcpu);
      entries.add(new BareMetalStart.Entry(entry.rip(), entry.rsp(), entry.rdi()));
    }
    this.start =
        BareMetalStart.state(
            "self-checking",
            memory,
            new BareMetalStart.Tables(
                BareMetalImage.PML4_GPA,
                BareMetalImage.GDT_GPA,
                BareMetalImage.GDT_LIMIT,
                BareMetalImage.IDT_GPA,
                BareMetalImage.IDT_LIMIT,
                BareMetalImage.CODE_SELECTOR,
                BareMetalImage.DATA_SELECTOR),
            entries);
  }

  int vcpus() {
    return VCPUS;
  }

  /** A VMM process that was started ahead; others are started to follow it. */
  synchronized VmmStandby spare() {
    while (spares.size() <= SPARES) {
      VmmStandby next = fresh();
      next.start();
      spares.add(next);
    }
    return spares.remove();
  }

  /** A VMM whose process is not started yet. */
  synchronized VmmStandby fresh() {
    String name = "vmm-%d-%d".formatted(ProcessHandle.current().pid(), number++);
    VmmStandby made =
        new VmmStandby(
            VmmCommand.ofThisJava(List.of()), folder.resolve(name), folder.resolve("vmm.log"));
    started.add(made);
    return made;
  }

  /** The guest at its beginning, running in a process of its own. */
  VmmStandby boot() {
    VmmStandby standby = fresh();
    standby.prepare(memory, VCPUS);
    guest.writeTo(standby.memory());
    standby.validate(start, true);
    standby.activate(start);
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
    started.remove(standby);
    standby.process().ifPresent(ProcessHandle::destroyForcibly);
    standby.close();
    standby.socket().toFile().delete();
  }

  @Override
  public void close() {
    List.copyOf(started).forEach(this::end);
  }
}
