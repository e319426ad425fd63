package dev.here.vmm;

import dev.here.machine.PciFunction;
import java.util.ArrayList;
import java.util.List;

/** A driver for a power-on virtio function, through its legacy ports or its modern registers. */
final class FakeVirtioDriver {
  private static final long RINGS = 0x10000;

  final FakeMachine machine;
  final VirtioPci device;
  final boolean modern;
  final int port;
  final long gpa;
  final long msixGpa;
  private final long ringsGpa;
  final List<FakeQueueDriver> queues = new ArrayList<>();

  FakeVirtioDriver(FakeMachine machine, VirtioPci device, boolean modern) {
    this(machine, device, modern, RINGS);
  }

  /** Its queues lie in memory from {@code ringsGpa} on. */
  FakeVirtioDriver(FakeMachine machine, VirtioPci device, boolean modern, long ringsGpa) {
    this.ringsGpa = ringsGpa;
    this.machine = machine;
    this.device = device;
    this.modern = modern;
    PciFunction function = device.state();
    port = function.config().u16(0x10) & ~3;
    msixGpa = function.config().u32(0x14);
    gpa = function.config().u32(0x20) & ~0xfL;
  }

  /** Resets, negotiates {@code features}, sets up the queues and says that it is ready. */
  void start(long features, boolean msix) {
    if (msix) {
      int control = device.readConfig(0x9a, 2);
      device.writeConfig(0x9a, 2, control | 0x8000);
      for (int vector = 0; vector <= (control & 0x7ff); vector++) {
        machine.mmio.write(msixGpa + vector * 16L, 4, 0xfee00000L);
        machine.mmio.write(msixGpa + vector * 16L + 8, 4, 0x40 + vector);
        machine.mmio.write(msixGpa + vector * 16L + 12, 4, 0);
      }
    }
    status(0);
    status(1);
    status(3);
    if (modern) {
      common(8, 4, 0);
      common(12, 4, features & 0xffff_ffffL);
      common(8, 4, 1);
      common(12, 4, features >>> 32);
      status(11);
      if ((status() & 8) == 0) {
        throw new IllegalStateException("features refused");
      }
    } else {
      machine.ports.write(port + 4, 4, (int) features);
    }
    if (msix) {
      configVector(0);
    }
    long at = ringsGpa;
    for (int index = 0; ; index++) {
      select(index);
      int size = queueSize();
      if (size == 0) {
        break;
      }
      FakeQueueDriver queue = new FakeQueueDriver(machine.memory, size, at, 0);
      at = queue.usedGpa + 8192 & -4096;
      setUp(queue, msix ? index + 1 : 0xffff);
      queues.add(queue);
      if (modern && index + 1 == machine.mmio.read(gpa + 18, 2)) {
        break;
      }
    }
    status(modern ? 15 : 7);
  }

  private void setUp(FakeQueueDriver queue, int vector) {
    if (modern) {
      common(26, 2, vector);
      common(32, 4, queue.descriptorGpa);
      common(36, 4, 0);
      machine.mmio.write(gpa + 40, 8, queue.availableGpa);
      common(48, 4, queue.usedGpa);
      common(52, 4, 0);
      common(28, 2, 1);
    } else {
      machine.ports.write(port + 8, 4, (int) (queue.descriptorGpa >>> 12));
      if (vector != 0xffff) {
        machine.ports.write(port + 22, 2, vector);
      }
    }
  }

  void configVector(int vector) {
    if (modern) {
      common(16, 2, vector);
    } else {
      machine.ports.write(port + 20, 2, vector);
    }
  }

  long offered() {
    if (!modern) {
      return machine.ports.read(port, 4) & 0xffff_ffffL;
    }
    common(0, 4, 1);
    long high = machine.mmio.read(gpa + 4, 4);
    common(0, 4, 0);
    return high << 32 | machine.mmio.read(gpa + 4, 4);
  }

  void select(int queue) {
    if (modern) {
      common(22, 2, queue);
    } else {
      machine.ports.write(port + 14, 2, queue);
    }
  }

  int queueSize() {
    return modern ? (int) machine.mmio.read(gpa + 24, 2) : machine.ports.read(port + 12, 2);
  }

  void kick(int queue) {
    machine.locked(() -> {
      if (modern) {
        machine.mmio.write(gpa + 0x3000 + queue * 4L, 2, queue);
      } else {
        machine.ports.write(port + 16, 2, queue);
      }
    });
  }

  int status() {
    return modern ? (int) machine.mmio.read(gpa + 20, 1) : machine.ports.read(port + 18, 1);
  }

  void status(int value) {
    machine.locked(() -> {
      if (modern) {
        common(20, 1, value);
      } else {
        machine.ports.write(port + 18, 1, value);
      }
    });
  }

  int isr() {
    return modern ? (int) machine.mmio.read(gpa + 0x1000, 1) : machine.ports.read(port + 19, 1);
  }

  int config(int offset, int sizeBytes, boolean msix) {
    return modern
        ? (int) machine.mmio.read(gpa + 0x2000 + offset, sizeBytes)
        : machine.ports.read(port + (msix ? 24 : 20) + offset, sizeBytes);
  }

  private void common(int offset, int sizeBytes, long value) {
    machine.mmio.write(gpa + offset, sizeBytes, value);
  }
}
