package dev.here.vmm;

import dev.here.machine.AcpiPmState;
import dev.here.machine.ClockState;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.IsaState;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.PciFunction;
import dev.here.machine.VcpuState;
import dev.here.machine.VirtioDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The devices of one PC, made from a machine state onto the buses, and back into one. Called with
 * the platform's lock held.
 */
final class PlatformDevices implements MachineDevices {
  /** Makes the virtio devices, which need networks and disks. */
  @FunctionalInterface
  interface VirtioFactory {
    VirtioPci make(PciFunction function, VirtioDevice state, PciBus bus);
  }

  private final MachineState origin;
  private final Pic pic;
  private final IoApic ioApic;
  private final Interrupts interrupts;
  private final Pit pit;
  private final Rtc rtc;
  private final Optional<Hpet> hpet;
  private final Optional<AcpiPm> acpiPm;
  private final PciBus pci;
  private final List<VirtioPci> virtio = new ArrayList<>();
  private final IsaDevices isa;
  private final GuestAnnouncement announcement;
  private boolean started;

  /**
   * @param console takes what the first serial port sends; other ports' octets are dropped
   * @param announcement of the network devices that {@code virtioFactory} makes
   */
  PlatformDevices(
      MachineState state,
      Sockets sockets,
      VirtioFactory virtioFactory,
      SerialSink console,
      GuestAnnouncement announcement) {
    this.announcement = announcement;
    origin = state;
    PortBus ports = sockets.ports();
    MmioBus mmio = sockets.mmio();
    GuestClock clock = sockets.clock();
    pic = new Pic(state.pic(), sockets.externalInterrupt());
    pic.attach(ports);
    ioApic = new IoApic(state.ioApic(), sockets.msi(), pic::acknowledge);
    ioApic.attach(mmio);
    interrupts = new Interrupts(pic, ioApic);
    pit = new Pit(state.pit(), clock, interrupts.line(0));
    pit.attach(ports);
    rtc = new Rtc(state.rtc(), clock, interrupts.line(8));
    rtc.attach(ports);
    hpet =
        state
            .hpet()
            .map(timer ->
                new Hpet(timer, clock, this::wire, sockets.msi(), this::legacyReplacement));
    hpet.ifPresent(timer -> timer.attach(mmio));
    List<Integer> apicIds = state.vcpus().stream().map(VcpuState::apicId).toList();
    acpiPm =
        state
            .acpiPm()
            .map(pm ->
                new AcpiPm(
                    pm,
                    clock,
                    interrupts.line(9),
                    apicIds,
                    ports,
                    () -> sockets.end().requested(false, "the guest switched itself off")));
    Runnable reset = () -> sockets.end().requested(true, "the guest asked for a reset");
    PirqRouter router = new PirqRouter(this::wire, state.ioApic().pins());
    pci = new PciBus(state.pci(), ports, mmio, sockets.msi(), router, reset);
    isa = new IsaDevices(state.isa(), sockets, interrupts, console, reset);
    addFunctions(state, router, virtioFactory);
  }

  private void addFunctions(MachineState state, PirqRouter router, VirtioFactory factory) {
    for (PciFunction function : state.pci().functions()) {
      switch (function.role()) {
        case HOST_BRIDGE -> pci.add(PciChipset.hostBridge(function, pci));
        case ISA_BRIDGE -> pci.add(PciChipset.isaBridge(function, pci, router));
        case ACPI_PM ->
            pci.add(
                acpiPm
                    .map(pm -> PciChipset.powerManagement(function, pci, pm))
                    .orElseGet(() -> PciChipset.plain(function, pci)));
        case IDE -> pci.add(PciChipset.ide(function, pci, isa.ide()));
        case VGA ->
            pci.add(
                isa.vga()
                    .map(vga -> PciChipset.vga(function, pci, vga))
                    .orElseGet(() -> PciChipset.plain(function, pci)));
        case VIRTIO -> {
          VirtioPci device = factory.make(function, virtioState(state, function), pci);
          virtio.add(device);
          pci.add(device);
        }
      }
    }
  }

  private static VirtioDevice virtioState(MachineState state, PciFunction function) {
    for (VirtioDevice device : state.virtio()) {
      if (device.address().equals(function.address())) {
        return device;
      }
    }
    throw new InvalidMachineStateException(
        "PCI function %s is a virtio device without a virtio state".formatted(function.address()));
  }

  /** The serial ports, console first. */
  List<Uart16550> serials() {
    return isa.serials();
  }

  /** The virtio devices, by rising PCI address. */
  List<VirtioPci> virtio() {
    return virtio;
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
  public void resume() {
    if (!started) {
      started = true;
      interrupts.start();
    }
    virtio.forEach(VirtioPci::resume);
  }

  @Override
  public void pause() {
    virtio.forEach(VirtioPci::pause);
  }

  @Override
  public MachineState save(MemoryMap memory, List<VcpuState> vcpus, ClockState clock) {
    Optional<AcpiPmState> pm = acpiPm.map(AcpiPm::state);
    IsaState small = isa.state();
    return new MachineState(
        MachineState.VERSION,
        origin.platform(),
        memory,
        vcpus,
        pic.state(),
        ioApic.state(),
        pit.state(),
        rtc.state(),
        hpet.map(Hpet::state),
        pm,
        pci.state(),
        virtio.stream().map(VirtioPci::virtioState).toList(),
        small,
        clock);
  }

  @Override
  public void announce() {
    announcement.start();
  }

  @Override
  public void close() {
    announcement.close();
    virtio.forEach(VirtioPci::close);
  }

  private InterruptLine wire(int gsi) {
    return gsi < interrupts.wires() ? interrupts.line(gsi) : asserted -> {};
  }

  private void legacyReplacement(boolean byHpet) {
    pit.replaced(byHpet);
    rtc.replaced(byHpet);
  }
}
