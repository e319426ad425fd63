package dev.here.vmm;

import dev.here.machine.PciAddress;
import dev.here.machine.PciState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * PCI bus 0 behind configuration mechanism #1 (PCI 3.0, section 3.2.2.3.2): ports CF8h and CFCh,
 * and the reset control register at CF9h (Intel 82371SB data sheet, section 2.5.1.4). A function
 * that is absent reads all ones. Guarded by the platform's lock.
 */
public final class PciBus implements PortDevice {
  private static final int ADDRESS_PORT = 0xcf8;
  private static final int RESET_PORT = 0xcf9;
  private static final int DATA_PORT = 0xcfc;
  private static final int RESET_CPU = 0x04;

  private final PortBus ports;
  private final MmioBus mmio;
  private final MsiSink msi;
  private final PciInterruptRouting routing;
  private final Runnable reset;
  private final List<PciDevice> devices = new ArrayList<>();
  private int configAddress;
  private int resetControl;

  /**
   * A bus without functions; they are added one by one.
   *
   * @param state gives the registers of the mechanism; its functions are made by the caller
   * @param reset the guest has written a reset into CF9h
   */
  public PciBus(
      PciState state,
      PortBus ports,
      MmioBus mmio,
      MsiSink msi,
      PciInterruptRouting routing,
      Runnable reset) {
    this.ports = ports;
    this.mmio = mmio;
    this.msi = msi;
    this.routing = routing;
    this.reset = reset;
    this.configAddress = (int) state.configAddress();
    this.resetControl = state.resetControl();
    ports.attach(ADDRESS_PORT, 8, this);
  }

  /** Where I/O BARs decode. */
  public PortBus ports() {
    return ports;
  }

  /** Where memory BARs decode. */
  public MmioBus mmio() {
    return mmio;
  }

  /** Where the functions' messages go. */
  public MsiSink msi() {
    return msi;
  }

  /** Where the functions' INTx wires go. */
  public PciInterruptRouting routing() {
    return routing;
  }

  /** {@code device} answers at its address from now on. */
  public void add(PciDevice device) {
    devices.add(device);
  }

  /** The mechanism's registers and every function, by rising address. */
  public PciState state() {
    return new PciState(
        Integer.toUnsignedLong(configAddress),
        devices.stream()
            .sorted(
                Comparator.comparingInt(
                    device -> device.address().device() << 3 | device.address().function()))
            .map(PciDevice::state)
            .toList(),
        resetControl);
  }

  @Override
  public int read(int port, int sizeBytes) {
    if (port >= DATA_PORT) {
      return readData(port - DATA_PORT, sizeBytes);
    }
    if (port == RESET_PORT && sizeBytes == 1) {
      return resetControl;
    }
    return port == ADDRESS_PORT && sizeBytes == 4 ? configAddress : -1;
  }

  @Override
  public void write(int port, int sizeBytes, int value) {
    if (port >= DATA_PORT) {
      writeData(port - DATA_PORT, sizeBytes, value);
    } else if (port == RESET_PORT && sizeBytes == 1) {
      resetControl = value & 2;
      if ((value & RESET_CPU) != 0) {
        reset.run();
      }
    } else if (port == ADDRESS_PORT && sizeBytes == 4) {
      configAddress = value & 0x80fffffc;
    }
  }

  private int readData(int lane, int sizeBytes) {
    if (configAddress >= 0 || lane + sizeBytes > 4) {
      return -1;
    }
    for (int at = 0; at < devices.size(); at++) {
      if (selected(devices.get(at).address())) {
        return devices.get(at).readConfig((configAddress & 0xfc) + lane, sizeBytes);
      }
    }
    return -1;
  }

  private void writeData(int lane, int sizeBytes, int value) {
    if (configAddress >= 0 || lane + sizeBytes > 4) {
      return;
    }
    for (int at = 0; at < devices.size(); at++) {
      if (selected(devices.get(at).address())) {
        devices.get(at).writeConfig((configAddress & 0xfc) + lane, sizeBytes, value);
        return;
      }
    }
  }

  private boolean selected(PciAddress address) {
    return (configAddress >> 8 & 0xffff)
        == (address.bus() << 8 | address.device() << 3 | address.function());
  }
}
