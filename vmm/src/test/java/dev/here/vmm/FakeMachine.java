package dev.here.vmm;

import dev.here.machine.DirtySet;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.PciState;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** Memory, buses and an interrupt record for device tests; its thread stands in for a vCPU. */
final class FakeMachine implements AutoCloseable {
  static final long RAM_BYTES = 4 << 20;
  static final long ROM_GPA = 0xf_0000_0000L;

  final Arena arena = Arena.ofShared();
  final ReentrantLock platform = new ReentrantLock();
  final PortBus ports = new PortBus();
  final MmioBus mmio = new MmioBus();
  final List<Integer> messages = new ArrayList<>();
  boolean wire;
  final GuestMemory memory;
  final PciBus bus;

  FakeMachine() {
    // The second half of RAM is a region of its own, as after a remap: buffers may lie across.
    long half = RAM_BYTES / 2;
    MemoryMap map =
        new MemoryMap(
            RAM_BYTES + 4096,
            List.of(
                new MemoryRegion("low", 0, half, MemoryKind.RAM, 0),
                new MemoryRegion("high", half, half, MemoryKind.RAM, half),
                new MemoryRegion("rom", ROM_GPA, 4096, MemoryKind.ROM, RAM_BYTES)));
    memory =
        new GuestMemory(
            arena.allocate(map.backingSizeBytes(), 4096),
            map,
            new DirtySet(arena, map.pageCount()));
    bus =
        new PciBus(
            new PciState(0, List.of(), 0),
            ports,
            mmio,
            (address, data) -> messages.add(data),
            (function, pin, asserted) -> wire = asserted,
            () -> {});
  }

  void locked(Runnable work) {
    platform.lock();
    try {
      work.run();
    } finally {
      platform.unlock();
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
