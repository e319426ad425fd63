package dev.here.vmm;

import dev.here.machine.ClockState;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.VcpuState;
import java.util.List;

/** Interrupt controllers and nothing else: enough for a guest without an operating system. */
final class BareDevices implements MachineDevices {
  private final MachineState made;
  private final Pic pic;
  private final IoApic ioApic;
  final Interrupts interrupts;

  BareDevices(MachineState state, Sockets sockets) {
    made = state;
    pic = new Pic(state.pic(), sockets.externalInterrupt());
    pic.attach(sockets.ports());
    ioApic = new IoApic(state.ioApic(), sockets.msi(), pic::acknowledge);
    ioApic.attach(sockets.mmio());
    interrupts = new Interrupts(pic, ioApic);
    interrupts.start();
  }

  @Override
  public Pic pic() {
    return pic;
  }

  @Override
  public IoApic ioApic() {
    return ioApic;
  }

  @Override
  public void resume() {}

  @Override
  public void pause() {}

  @Override
  public MachineState save(MemoryMap memory, List<VcpuState> vcpus, ClockState clock) {
    return new MachineState(
        MachineState.VERSION,
        made.platform(),
        memory,
        vcpus,
        pic.state(),
        ioApic.state(),
        made.pit(),
        made.rtc(),
        made.hpet(),
        made.acpiPm(),
        made.pci(),
        made.virtio(),
        made.isa(),
        clock);
  }

  @Override
  public void close() {}
}
