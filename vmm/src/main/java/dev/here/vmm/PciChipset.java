package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.PciFunction;
import dev.here.machine.PciRole;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The functions of a PC's own chips: host bridge (Intel 82441FX data sheet), ISA bridge (82371SB)
 * and power management (82371AB). Their configuration spaces come from the state; what the guest
 * writes there moves what they hold. Guarded by the platform's lock.
 */
final class PciChipset implements PciDevice {
  private static final Logger LOG = LoggerFactory.getLogger(PciChipset.class);
  private static final int PAM = 0x59;
  private static final int PAM_REGISTERS = 7;
  private static final int PIRQ_ROUTES = 0x60;
  private static final int PM_BASE = 0x40;
  private static final int PM_ENABLE = 0x80;
  private static final int SMBUS_BASE = 0x90;
  private static final int SMBUS_ENABLE = 0xd2;
  private static final int BUS_MASTER_BAR = 4;
  private static final int FRAMEBUFFER_BAR = 0;
  private static final int REGISTER_BAR = 2;

  private final PciConfig config;

  private PciChipset(PciFunction state, PciBus bus) {
    config = new PciConfig(state, bus);
  }

  /** A function whose registers are only kept. */
  static PciChipset plain(PciFunction state, PciBus bus) {
    return new PciChipset(state, bus);
  }

  /**
   * The host bridge. Shadowing stays as it is in the memory map: a guest that changes it is named
   * in the log, once.
   */
  static PciChipset hostBridge(PciFunction state, PciBus bus) {
    PciChipset bridge = new PciChipset(state, bus);
    Bytes found = bridge.shadowing();
    AtomicBoolean told = new AtomicBoolean();
    bridge.config.onWrite(
        PAM,
        PAM_REGISTERS,
        () -> {
          Bytes wanted = bridge.shadowing();
          if (!wanted.equals(found) && told.compareAndSet(false, true)) {
            LOG.warn(
                "the guest changes the host bridge's PAM registers from {} to {}; memory below 1 MiB stays mapped as it is",
                found,
                wanted);
          }
        });
    return bridge;
  }

  private Bytes shadowing() {
    byte[] registers = new byte[PAM_REGISTERS];
    for (int at = 0; at < registers.length; at++) {
      registers[at] = (byte) config.u8(PAM + at);
    }
    return Bytes.of(registers);
  }

  /** The ISA bridge, which routes PIRQs. */
  static PciChipset isaBridge(PciFunction state, PciBus bus, PirqRouter router) {
    PciChipset bridge = new PciChipset(state, bus);
    Runnable route =
        () -> {
          for (int pirq = 0; pirq < 4; pirq++) {
            router.route(pirq, bridge.config.u8(PIRQ_ROUTES + pirq));
          }
        };
    route.run();
    bridge.config.onWrite(PIRQ_ROUTES, 4, route);
    return bridge;
  }

  /** The IDE function: its base register 4 places the channels' bus masters, eight ports each. */
  static PciChipset ide(PciFunction state, PciBus bus, List<IdeChannelDevice> channels) {
    PciChipset function = new PciChipset(state, bus);
    if (state.bars().stream().anyMatch(bar -> bar.index() == BUS_MASTER_BAR)) {
      function.config.bar(BUS_MASTER_BAR, new BusMasters(channels));
    }
    return function;
  }

  /** The display: its base registers place the framebuffer and a window over the registers. */
  static PciChipset vga(PciFunction state, PciBus bus, VgaStub vga) {
    PciChipset function = new PciChipset(state, bus);
    for (PciBar bar : state.bars()) {
      if (bar.index() == FRAMEBUFFER_BAR) {
        function.config.bar(FRAMEBUFFER_BAR, vga::framebufferMoved);
      } else if (bar.index() == REGISTER_BAR) {
        function.config.bar(REGISTER_BAR, vga.registerWindow());
      }
    }
    return function;
  }

  /** Power management: its base registers place {@code pm}. */
  static PciChipset powerManagement(PciFunction state, PciBus bus, AcpiPm pm) {
    PciChipset function = new PciChipset(state, bus);
    PciConfig config = function.config;
    Runnable place =
        () -> {
          boolean on = (config.u8(PM_ENABLE) & 1) != 0;
          pm.movePm(on ? config.u16(PM_BASE) & 0xffc0 : 0);
        };
    Runnable placeSmbus =
        () -> {
          boolean on = (config.u8(SMBUS_ENABLE) & 1) != 0;
          pm.moveSmbus(on ? config.u16(SMBUS_BASE) & 0xffc0 : 0);
        };
    config.onWrite(PM_BASE, 4, place);
    config.onWrite(PM_ENABLE, 1, place);
    config.onWrite(SMBUS_BASE, 4, placeSmbus);
    config.onWrite(SMBUS_ENABLE, 1, placeSmbus);
    return function;
  }

  /** The chips of a machine that boots by itself: interrupts 10, 10, 11 and 11 behind PIRQs. */
  static List<PciFunction> powerOn(int pmBase) {
    byte[] host = header(0x1237, 0x02, 0x060000, 0);
    byte[] isa = header(0x7000, 0x00, 0x060100, 0x80);
    byte[] routes = {10, 10, 11, 11};
    System.arraycopy(routes, 0, isa, PIRQ_ROUTES, routes.length);
    byte[] pm = header(0x7113, 0x03, 0x068000, 0);
    pm[0x3c] = 9;
    pm[0x3d] = 1;
    pm[PM_BASE] = (byte) (pmBase | 1);
    pm[PM_BASE + 1] = (byte) (pmBase >> 8);
    pm[PM_ENABLE] = 1;
    return List.of(
        function(0, 0, PciRole.HOST_BRIDGE, host),
        function(1, 0, PciRole.ISA_BRIDGE, isa),
        function(1, 3, PciRole.ACPI_PM, pm));
  }

  private static PciFunction function(int device, int function, PciRole role, byte[] config) {
    return new PciFunction(
        new PciAddress(0, device, function),
        role,
        Bytes.of(config),
        List.of(),
        Optional.empty(),
        0);
  }

  private static byte[] header(int deviceId, int revision, int classCode, int headerType) {
    byte[] config = new byte[256];
    config[0] = (byte) 0x86;
    config[1] = (byte) 0x80;
    config[2] = (byte) deviceId;
    config[3] = (byte) (deviceId >> 8);
    config[4] = 3;
    config[7] = 2;
    config[8] = (byte) revision;
    config[9] = (byte) classCode;
    config[10] = (byte) (classCode >> 8);
    config[11] = (byte) (classCode >> 16);
    config[14] = (byte) headerType;
    return config;
  }

  @Override
  public PciAddress address() {
    return config.address();
  }

  @Override
  public int readConfig(int offset, int sizeBytes) {
    return config.read(offset, sizeBytes);
  }

  @Override
  public void writeConfig(int offset, int sizeBytes, int value) {
    config.write(offset, sizeBytes, value);
  }

  @Override
  public PciFunction state() {
    return config.state();
  }

  /** The ports behind the IDE function's base register, octet by octet. */
  private record BusMasters(List<IdeChannelDevice> channels) implements MmioDevice {
    @Override
    public long read(long offset, int sizeBytes) {
      long value = 0;
      for (int at = 0; at < sizeBytes; at++) {
        int port = (int) offset + at;
        int octet =
            port >> 3 < channels.size() ? channels.get(port >> 3).readBusMaster(port & 7) : 0xff;
        value |= (long) octet << at * 8;
      }
      return value;
    }

    @Override
    public void write(long offset, int sizeBytes, long value) {
      for (int at = 0; at < sizeBytes; at++) {
        int port = (int) offset + at;
        if (port >> 3 < channels.size()) {
          channels.get(port >> 3).writeBusMaster(port & 7, (int) (value >>> at * 8) & 0xff);
        }
      }
    }
  }
}
