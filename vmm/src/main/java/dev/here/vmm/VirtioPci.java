package dev.here.vmm;

import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.PciFunction;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioNetState;
import dev.here.net.FramePort;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A virtio device on the PCI bus (VIRTIO 1.2, section 4.1), transitional or modern. Identity, BARs
 * and the place of every structure come from the configuration space in its state, so that it can
 * continue a device which another hypervisor laid out.
 *
 * <p>It is made from a state, whether that comes from a running machine or from {@link
 * VirtioPowerOn}, and stands still until {@link #resume}. Guarded by the platform's lock.
 */
public final class VirtioPci implements PciDevice, AutoCloseable {
  private static final int LEGACY_BAR = 0;

  private final PciConfig config;
  private final VirtioTransport transport;
  private final VirtioModel model;
  private final OptionalInt accessCapability;
  private final Map<Integer, MmioDevice> bars = new HashMap<>();

  /**
   * Attaches the device to the bus's address spaces; the caller adds it to the bus.
   *
   * @throws VirtioRefusedException when the state asks for what is not supported
   */
  VirtioPci(
      PciFunction function, VirtioDevice state, VirtioModel model, GuestMemory memory, PciBus bus) {
    this.model = model;
    config = new PciConfig(function, bus);
    VirtioTransport.Interrupts interrupts = new PciInterrupts(config);
    transport = new VirtioTransport(state, memory, model, interrupts);
    VirtioCapabilities capabilities = VirtioCapabilities.of(function.config());
    accessCapability = capabilities.accessCapability();
    int vectors = config.msix().map(Msix::vectors).orElse(0);
    for (PciBar bar : function.bars()) {
      attach(bar, state, capabilities, interrupts, vectors);
    }
    accessCapability.ifPresent(at -> {
      config.writable(at + 4, 1, 0xff);
      config.writable(at + 8, 4, -1);
      config.writable(at + 12, 4, -1);
      config.writable(at + 16, 4, -1);
      config.onWrite(at + 16, 4, this::accessWrite);
    });
  }

  /**
   * Refuses a state that no device can be made from, whatever it is given.
   *
   * @throws VirtioRefusedException when the driver uses what is not supported
   * @throws dev.here.machine.InvalidMachineStateException when the state contradicts itself
   */
  static void check(VirtioDevice state) {
    switch (state.kind()) {
      case NET -> {
        VirtioTransport.check(state, VirtioNet.SUPPORTED);
        VirtioNet.check(state);
      }
      case BLOCK -> VirtioTransport.check(state, VirtioBlock.SUPPORTED);
      case RNG -> VirtioTransport.check(state, 0);
    }
  }

  /** A network device on the ends of its link, which stay the caller's. */
  public static VirtioPci network(
      PciFunction function,
      VirtioDevice state,
      List<? extends FramePort> ports,
      GuestMemory memory,
      PciBus bus,
      ReentrantLock platform) {
    VirtioNet.check(state);
    VirtioNetState net = state.net().orElseThrow();
    return new VirtioPci(function, state, new VirtioNet(net, ports, platform), memory, bus);
  }

  /**
   * A disk; {@code backend} is closed with it, {@code serial} is what the guest reads as its id.
   */
  public static VirtioPci block(
      PciFunction function,
      VirtioDevice state,
      BlockBackend backend,
      String serial,
      GuestMemory memory,
      PciBus bus,
      ReentrantLock platform) {
    VirtioBlock model = new VirtioBlock(state, serial, backend, platform);
    return new VirtioPci(function, state, model, memory, bus);
  }

  /** An entropy source. */
  public static VirtioPci rng(
      PciFunction function, VirtioDevice state, GuestMemory memory, PciBus bus) {
    return new VirtioPci(function, state, new VirtioRng(new SecureRandom()), memory, bus);
  }

  private void attach(
      PciBar bar,
      VirtioDevice state,
      VirtioCapabilities capabilities,
      VirtioTransport.Interrupts interrupts,
      int vectors) {
    List<MmioDevice> parts = new ArrayList<>();
    config.msix().filter(msix -> msix.bar() == bar.index()).ifPresent(parts::add);
    if (bar.io() && bar.index() == LEGACY_BAR && state.legacyInterface()) {
      parts.add(new VirtioLegacyRegisters(transport, interrupts, vectors));
    } else if (capabilities.structures().stream().anyMatch(s -> s.bar() == bar.index())) {
      parts.add(new VirtioModernRegisters(transport, capabilities, bar.index(), vectors));
    }
    if (parts.isEmpty() || bar.index() > 5) {
      return;
    }
    MmioDevice device =
        parts.size() == 1
            ? parts.getFirst()
            : new SharedBar(config.msix().orElseThrow(), parts.getLast());
    bars.put(bar.index(), device);
    config.bar(bar.index(), device);
  }

  @Override
  public PciAddress address() {
    return config.address();
  }

  @Override
  public PciFunction state() {
    return config.state();
  }

  /** The virtio part of the device's state; {@link #state} is the PCI part. */
  public VirtioDevice virtioState() {
    return transport.state();
  }

  /** Sets the device going, and has it look at what came in while it stood still. */
  public void resume() {
    model.resume();
    transport.kick();
  }

  /**
   * After a take-over: asks the guest to make itself known on the network.
   *
   * @return whether its driver can; HERE announces the guest itself in any case
   */
  public boolean announce() {
    return model.announce();
  }

  /**
   * Brings the device to a stop: until {@link #resume} it changes nothing and has nothing half
   * done.
   */
  public void pause() {
    model.pause();
  }

  /** Ends the device's threads. Guest memory may go away afterwards. */
  @Override
  public void close() {
    model.close();
  }

  @Override
  public int readConfig(int offset, int sizeBytes) {
    if (accessCapability.isPresent()) {
      int data = accessCapability.getAsInt() + 16;
      if (offset < data + 4 && data < offset + sizeBytes) {
        accessRead(accessCapability.getAsInt());
      }
    }
    return config.read(offset, sizeBytes);
  }

  @Override
  public void writeConfig(int offset, int sizeBytes, int value) {
    config.write(offset, sizeBytes, value);
  }

  /** Section 4.1.4.9: reading the data register reads the BAR. */
  private void accessRead(int at) {
    int length = config.u32(at + 12);
    MmioDevice device = bars.get(config.u8(at + 4));
    if (device != null && accessLength(length)) {
      long offset = Integer.toUnsignedLong(config.u32(at + 8));
      config.put(at + 16, length, (int) device.read(offset, length));
    }
  }

  private void accessWrite() {
    int at = accessCapability.orElseThrow();
    int length = config.u32(at + 12);
    MmioDevice device = bars.get(config.u8(at + 4));
    if (device != null && accessLength(length)) {
      long value = Integer.toUnsignedLong(config.u32(at + 16));
      long mask = length == 4 ? 0xffff_ffffL : (1L << length * 8) - 1;
      device.write(Integer.toUnsignedLong(config.u32(at + 8)), length, value & mask);
    }
  }

  private static boolean accessLength(int length) {
    return length == 1 || length == 2 || length == 4;
  }

  /** A BAR that holds the MSI-X table beside virtio structures. */
  private record SharedBar(Msix msix, MmioDevice structures) implements MmioDevice {
    @Override
    public long read(long offset, int sizeBytes) {
      return (msix.covers(offset) ? msix : structures).read(offset, sizeBytes);
    }

    @Override
    public void write(long offset, int sizeBytes, long value) {
      (msix.covers(offset) ? msix : structures).write(offset, sizeBytes, value);
    }
  }

  /** INTx or MSI-X, as the driver has set up. */
  private record PciInterrupts(PciConfig config) implements VirtioTransport.Interrupts {
    @Override
    public boolean messages() {
      return config.msix().isPresent() && config.msix().orElseThrow().enabled();
    }

    @Override
    public void message(int vector) {
      config.msix().ifPresent(msix -> msix.signal(vector));
    }

    @Override
    public void wire(boolean asserted) {
      config.interrupt(asserted);
    }
  }
}
