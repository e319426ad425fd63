package dev.here.vmm;

import dev.here.ffi.NativeException;
import dev.here.formats.state.MachineStateCodec;
import dev.here.kvm.Kvm;
import dev.here.machine.Bytes;
import dev.here.machine.ClockState;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.PciAddress;
import dev.here.machine.Platform;
import java.time.Instant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All of a take-over but the guest's first instruction, with a scratch machine that is thrown away:
 * a process that waits for its guest has then loaded and linked what the real take-over needs, and
 * does not do so while the guest stands.
 */
final class Rehearsal {
  private static final Logger LOG = LoggerFactory.getLogger(Rehearsal.class);
  private static final long RAM_BYTES = 2 << 20;
  private static final Bytes MAC = Bytes.of(new byte[] {0x52, 0x54, 0, 0, 0, 0});

  private Rehearsal() {}

  /** Rehearses; a failure is logged and shows itself again when it matters. */
  static void run() {
    long start = System.nanoTime();
    try (Kvm kvm = Kvm.open();
        HostDevices devices = new HostDevices(VmmOptions.idle());
        MachineControl control = new MachineControl(kvm, devices)) {
      MemoryMap memory =
          new MemoryMap(
              RAM_BYTES, List.of(new MemoryRegion("ram", 0, RAM_BYTES, MemoryKind.RAM, 0)));
      Machine machine = control.prepare(memory, List.of(0));
      byte[] state = MachineStateCodec.encode(poweredOn(machine));
      control.restore(MachineStateCodec.decode(state));
      machine.save();
      LOG.debug("rehearsed in {} ms", (System.nanoTime() - start) / 1_000_000);
    } catch (NativeException | VmmException | InvalidMachineStateException e) {
      LOG.info("a take-over could not be rehearsed: {}", e.getMessage());
    }
  }

  private static MachineState poweredOn(Machine machine) {
    return PowerOnPlatform.state(
        new Platform("here-vmm", "here-pc", "rehearsal"),
        machine.memory().map(),
        List.of(machine.powerOnVcpu(0)),
        List.of(
            VirtioPowerOn.network(new PciAddress(0, 2, 0), MAC, 1),
            VirtioPowerOn.rng(new PciAddress(0, 3, 0))),
        Instant.now().getEpochSecond(),
        new ClockState(machine.tscKhz(), 0, 0, 0));
  }
}
