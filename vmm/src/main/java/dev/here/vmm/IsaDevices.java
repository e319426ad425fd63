package dev.here.vmm;

import dev.here.machine.IdeChannel;
import dev.here.machine.IsaState;
import dev.here.machine.SerialState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The small devices of a PC, made from their state onto the ports. Guarded by the platform's lock.
 */
final class IsaDevices {
  private static final Logger LOG = LoggerFactory.getLogger(IsaDevices.class);
  private static final int SYSTEM_CONTROL_A = 0x92;
  private static final int FLOPPY_IRQ = 6;

  private final IsaState origin;
  private final List<Uart16550> serials = new ArrayList<>();
  private final Optional<I8042> i8042;
  private final List<IdeChannelDevice> ide = new ArrayList<>();
  private final Optional<VgaStub> vga;
  private final List<ParallelPort> parallels;
  private final List<Dma8237> dma;
  private final Optional<FloppyController> floppy;
  private final Optional<FirmwareConfig> firmwareConfig;
  private int systemControlA;
  private long debugExits;

  /**
   * @param console takes what the first serial port sends
   * @param reset the guest asks for a reset
   */
  IsaDevices(
      IsaState state,
      MachineDevices.Sockets sockets,
      Interrupts interrupts,
      SerialSink console,
      Runnable reset) {
    origin = state;
    PortBus ports = sockets.ports();
    for (SerialState serial : state.serials()) {
      SerialSink sink = serials.isEmpty() ? console : octet -> {};
      Uart16550 uart = new Uart16550(serial, sink, interrupts.line(serial.irq()));
      uart.attach(ports);
      serials.add(uart);
    }
    i8042 =
        state
            .i8042()
            .map(keyboard -> new I8042(keyboard, interrupts.line(1), interrupts.line(12), reset));
    i8042.ifPresent(controller -> controller.attach(ports));
    for (IdeChannel channel : state.ide()) {
      IdeChannelDevice device =
          new IdeChannelDevice(channel, sockets.memory(), interrupts.line(channel.irq()));
      device.attach(ports);
      ide.add(device);
    }
    vga = state.vga().map(display -> new VgaStub(display, sockets.memory(), sockets.memoryMover()));
    vga.ifPresent(display -> display.attach(ports, sockets.mmio()));
    parallels = state.parallels().stream().map(ParallelPort::new).toList();
    parallels.forEach(port -> port.attach(ports));
    dma = Dma8237.pair(state.dma());
    dma.forEach(controller -> controller.attach(ports));
    floppy =
        state
            .floppy()
            .map(controller -> new FloppyController(controller, interrupts.line(FLOPPY_IRQ)));
    floppy.ifPresent(controller -> controller.attach(ports));
    firmwareConfig =
        state.firmwareConfig().map(items -> new FirmwareConfig(items, sockets.memory()));
    firmwareConfig.ifPresent(items -> items.attach(ports));
    systemControlA = state.systemControlA();
    ports.attach(SYSTEM_CONTROL_A, 1, new SystemControl(reset));
    state.debugExitPort().ifPresent(port -> ports.attach(port, 4, new DebugExit(port)));
  }

  List<Uart16550> serials() {
    return serials;
  }

  List<IdeChannelDevice> ide() {
    return ide;
  }

  Optional<VgaStub> vga() {
    return vga;
  }

  IsaState state() {
    return new IsaState(
        serials.stream().map(Uart16550::state).toList(),
        parallels.stream().map(ParallelPort::state).toList(),
        i8042.map(I8042::state),
        dma.stream().map(Dma8237::state).toList(),
        floppy.map(FloppyController::state),
        ide.stream().map(IdeChannelDevice::state).toList(),
        vga.map(VgaStub::state),
        firmwareConfig.map(FirmwareConfig::state),
        systemControlA,
        origin.debugExitPort());
  }

  /** Port 92h: fast A20 and fast reset. */
  private final class SystemControl implements OctetDevice {
    private final Runnable reset;

    SystemControl(Runnable reset) {
      this.reset = reset;
    }

    @Override
    public int readOctet(int port) {
      return port == SYSTEM_CONTROL_A ? systemControlA : 0xff;
    }

    @Override
    public void writeOctet(int port, int value) {
      if (port == SYSTEM_CONTROL_A) {
        boolean rising = (value & ~systemControlA & 1) != 0;
        systemControlA = value;
        if (rising) {
          reset.run();
        }
      }
    }
  }

  /** What ends another hypervisor does nothing here; it is counted, and told once. */
  private final class DebugExit implements OctetDevice {
    private final int base;

    DebugExit(int base) {
      this.base = base;
    }

    @Override
    public int readOctet(int port) {
      return 0xff;
    }

    @Override
    public void writeOctet(int port, int value) {
      if (port == base && debugExits++ == 0) {
        LOG.warn(
            "the guest wrote 0x{} to the debug exit port 0x{}, which ends the source's hypervisor; here it does nothing",
            Integer.toHexString(value),
            Integer.toHexString(base));
      }
    }
  }
}
