package dev.here.vmm;

import dev.here.machine.AcpiPmState;
import dev.here.machine.Bytes;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Power management of a PIIX4 (Intel 82371AB data sheet, chapter 7): PM1, the timer, the general
 * purpose events, the APM ports B2h and B3h, and an SMBus with no device on it; with QEMU's PCI and
 * CPU hotplug registers (QEMU docs/specs/acpi_pci_hotplug and acpi_cpu_hotplug), on which nothing
 * is ever plugged. Interrupt 9. Guarded by the platform's lock.
 */
public final class AcpiPm {
  private static final Logger LOG = LoggerFactory.getLogger(AcpiPm.class);
  private static final long TIMER_HERTZ = 3_579_545;
  private static final long SECOND = 1_000_000_000;
  private static final int TIMER_STATUS = 0x0001;
  private static final int WAKING = TIMER_STATUS | 0x0020 | 0x0100 | 0x0400;
  private static final int SLEEP_ENABLE = 0x2000;
  private static final int ACPI_ENABLE = 0xf1;
  private static final int ACPI_DISABLE = 0xf0;
  private static final int PM_PORTS = 64;
  private static final int SMBUS_PORTS = 64;
  private static final int PCI_HOTPLUG_PORTS = 0x18;
  private static final int CPU_HOTPLUG_PORTS = 0x20;
  private static final int SMBUS_NO_DEVICE = 0x04;

  private final GuestClock clock;
  private final GuestClock.Timer overflow;
  private final InterruptLine line;
  private final Runnable powerOff;
  private final int[] apicIds;
  private final PortBus ports;
  private final PortDevice pmPorts = new PmPorts();
  private final PortDevice smbusPorts = new SmbusPorts();
  private final byte[] gpeStatus;
  private final byte[] gpeEnable;
  private final byte[] smbus;
  private final int gpeBase;
  private final int pciHotplugBase;
  private final int[] pciHotplug = new int[3];
  private final int pciHotplugRegisters;
  private final int cpuHotplugBase;
  private int pmBase;
  private int smbusBase;
  private int pm1Status;
  private int pm1Enable;
  private int pm1Control;
  private long timerBase;
  private final int timerBits;
  private long timerBaseNanos;
  private long timerSeen;
  private int apmControl;
  private int apmStatus;
  private boolean cpuHotplugModern;
  private int cpuSelector;
  private int cpuCommand;

  /**
   * Attaches itself to the ports that the state names.
   *
   * @param line interrupt 9
   * @param apicIds of the vCPUs, for the CPU hotplug registers
   * @param powerOff the guest has switched itself off
   */
  public AcpiPm(
      AcpiPmState state,
      GuestClock clock,
      InterruptLine line,
      List<Integer> apicIds,
      PortBus ports,
      Runnable powerOff) {
    this.clock = clock;
    this.line = line;
    this.powerOff = powerOff;
    this.apicIds = apicIds.stream().mapToInt(Integer::intValue).toArray();
    this.ports = ports;
    this.overflow = clock.timer(this::update);
    pm1Status = state.pm1Status();
    pm1Enable = state.pm1Enable();
    pm1Control = state.pm1Control();
    timerBase = state.pmTimer();
    timerBits = state.pmTimerBits();
    timerBaseNanos = clock.nanos();
    timerSeen = timerBase;
    gpeBase = state.gpeBase();
    gpeStatus = state.gpeStatus().toArray();
    gpeEnable = state.gpeEnable().toArray();
    apmControl = state.apmControl();
    apmStatus = state.apmStatus();
    smbus = state.smbusRegisters().toArray();
    pciHotplugBase = state.pciHotplugBase();
    pciHotplugRegisters = state.pciHotplugSelectUpDown().size();
    for (int at = 0; at < pciHotplugRegisters; at++) {
      pciHotplug[at] = state.pciHotplugSelectUpDown().get(at);
    }
    cpuHotplugBase = state.cpuHotplugBase();
    cpuHotplugModern = state.cpuHotplugModern();
    cpuSelector = state.cpuHotplugSelector();
    cpuCommand = state.cpuHotplugCommand();
    attachFixed();
    movePm(state.pmBase());
    moveSmbus(state.smbusBase());
    update();
  }

  /** After power-on, where SeaBIOS puts it, ACPI already enabled and no hotplug. */
  public static AcpiPmState powerOn() {
    return new AcpiPmState(
        0x600,
        0,
        0,
        1,
        0,
        24,
        0xafe0,
        Bytes.zero(2),
        Bytes.zero(2),
        0,
        0,
        0,
        Bytes.zero(SMBUS_PORTS),
        0,
        List.of(),
        0,
        false,
        0,
        0);
  }

  public AcpiPmState state() {
    noteOverflow();
    return new AcpiPmState(
        pmBase,
        pm1Status,
        pm1Enable,
        pm1Control,
        timer(),
        timerBits,
        gpeBase,
        Bytes.of(gpeStatus),
        Bytes.of(gpeEnable),
        apmControl,
        apmStatus,
        smbusBase,
        Bytes.of(smbus),
        pciHotplugBase,
        Arrays.stream(pciHotplug, 0, pciHotplugRegisters).boxed().toList(),
        cpuHotplugBase,
        cpuHotplugModern,
        cpuSelector,
        cpuCommand);
  }

  /** The PM function has placed the registers at {@code base}, 0 for nowhere. */
  void movePm(int base) {
    if (pmBase != 0) {
      ports.detach(pmBase, PM_PORTS, pmPorts);
    }
    pmBase = base;
    if (base != 0) {
      ports.attach(base, PM_PORTS, pmPorts);
    }
  }

  /** The PM function has placed the SMBus at {@code base}, 0 for nowhere. */
  void moveSmbus(int base) {
    if (smbusBase != 0) {
      ports.detach(smbusBase, SMBUS_PORTS, smbusPorts);
    }
    smbusBase = base;
    if (base != 0) {
      ports.attach(base, SMBUS_PORTS, smbusPorts);
    }
  }

  private void attachFixed() {
    ports.attach(0xb2, 2, new ApmPorts());
    if (gpeBase != 0) {
      ports.attach(gpeBase, gpeStatus.length + gpeEnable.length, new GpePorts());
    }
    if (pciHotplugBase != 0) {
      ports.attach(pciHotplugBase, PCI_HOTPLUG_PORTS, new PciHotplugPorts());
    }
    if (cpuHotplugBase != 0) {
      ports.attach(cpuHotplugBase, CPU_HOTPLUG_PORTS, new CpuHotplugPorts());
    }
  }

  private long timer() {
    long nanos = clock.nanos() - timerBaseNanos;
    return timerBase + nanos / SECOND * TIMER_HERTZ + nanos % SECOND * TIMER_HERTZ / SECOND;
  }

  /** The status bit is set whenever the timer's highest bit changes. */
  private void noteOverflow() {
    long now = timer();
    if (now >> timerBits - 1 != timerSeen >> timerBits - 1) {
      pm1Status |= TIMER_STATUS;
    }
    timerSeen = now;
  }

  private void update() {
    noteOverflow();
    boolean event = (pm1Status & pm1Enable & WAKING) != 0;
    for (int at = 0; at < Math.min(gpeStatus.length, gpeEnable.length); at++) {
      event |= (gpeStatus[at] & gpeEnable[at]) != 0;
    }
    line.set(event);
    if ((pm1Enable & TIMER_STATUS) != 0 && (pm1Status & TIMER_STATUS) == 0) {
      long ticks = (timer() >> timerBits - 1) + 1 << timerBits - 1;
      long ahead = ticks - timerBase;
      overflow.set(
          timerBaseNanos
              + ahead / TIMER_HERTZ * SECOND
              + (ahead % TIMER_HERTZ * SECOND + TIMER_HERTZ - 1) / TIMER_HERTZ);
    } else {
      overflow.cancel();
    }
  }

  private void control(int value) {
    pm1Control = value & ~SLEEP_ENABLE;
    if ((value & SLEEP_ENABLE) == 0) {
      return;
    }
    int type = value >> 10 & 7;
    if (type == 1) {
      LOG.warn("the guest asked for suspend to RAM, which is not offered; it goes on");
    } else {
      powerOff.run();
    }
  }

  /** PM1 event, control and timer. */
  private final class PmPorts implements PortDevice {
    @Override
    public int read(int port, int sizeBytes) {
      noteOverflow();
      int offset = port - pmBase;
      int register =
          switch (offset & ~3) {
            case 0 -> pm1Status | pm1Enable << 16;
            case 4 -> pm1Control;
            case 8 -> (int) (timer() & (1L << timerBits) - 1);
            default -> 0;
          };
      return register >>> (offset & 3) * 8;
    }

    @Override
    public void write(int port, int sizeBytes, int value) {
      int offset = port - pmBase;
      for (int at = 0; at < sizeBytes; ) {
        boolean word = (offset + at & 1) == 0 && sizeBytes - at >= 2;
        int part = value >>> at * 8 & (word ? 0xffff : 0xff);
        int shift = (offset + at & 1) * 8;
        writeWord(offset + at & ~1, part << shift, (word ? 0xffff : 0xff) << shift);
        at += word ? 2 : 1;
      }
      update();
    }

    private void writeWord(int register, int value, int mask) {
      switch (register) {
        case 0 -> {
          noteOverflow();
          pm1Status &= ~value;
        }
        case 2 -> pm1Enable = pm1Enable & ~mask | value;
        case 4 -> control(pm1Control & ~mask | value);
        default -> {}
      }
    }
  }

  /** General purpose events: status octets, then enable octets. */
  private final class GpePorts implements OctetDevice {
    @Override
    public int readOctet(int port) {
      int at = port - gpeBase;
      return at < gpeStatus.length
          ? gpeStatus[at]
          : at - gpeStatus.length < gpeEnable.length ? gpeEnable[at - gpeStatus.length] : 0xff;
    }

    @Override
    public void writeOctet(int port, int value) {
      int at = port - gpeBase;
      if (at < gpeStatus.length) {
        gpeStatus[at] &= (byte) ~value;
      } else if (at - gpeStatus.length < gpeEnable.length) {
        gpeEnable[at - gpeStatus.length] = (byte) value;
      }
      update();
    }
  }

  /** APM control (ACPI on and off, as firmware's SMI handler does it) and status. */
  private final class ApmPorts implements OctetDevice {
    @Override
    public int readOctet(int port) {
      return port == 0xb2 ? apmControl : port == 0xb3 ? apmStatus : 0xff;
    }

    @Override
    public void writeOctet(int port, int value) {
      if (port == 0xb3) {
        apmStatus = value;
      } else if (port == 0xb2) {
        apmControl = value;
        if (value == ACPI_ENABLE) {
          pm1Control |= 1;
        } else if (value == ACPI_DISABLE) {
          pm1Control &= ~1;
        }
      }
    }
  }

  /** A host controller that finds no device at any address. */
  private final class SmbusPorts implements OctetDevice {
    @Override
    public int readOctet(int port) {
      int at = port - smbusBase;
      return at < smbus.length ? smbus[at] : 0;
    }

    @Override
    public void writeOctet(int port, int value) {
      int at = port - smbusBase;
      if (at >= smbus.length) {
        return;
      }
      if (at == 0) {
        smbus[0] &= (byte) ~value;
      } else {
        smbus[at] = (byte) (at == 2 ? value & ~0x40 : value);
        if (at == 2 && (value & 0x40) != 0) {
          smbus[0] |= SMBUS_NO_DEVICE;
        }
      }
    }
  }

  /** Nothing is plugged or unplugged; an eject leaves the device where it is. */
  private final class PciHotplugPorts implements PortDevice {
    @Override
    public int read(int port, int sizeBytes) {
      return switch (port - pciHotplugBase) {
        case 0x00 -> pciHotplug[1];
        case 0x04 -> pciHotplug[2];
        case 0x10 -> pciHotplug[0];
        default -> 0;
      };
    }

    @Override
    public void write(int port, int sizeBytes, int value) {
      switch (port - pciHotplugBase) {
        case 0x08 -> LOG.warn("the guest ejects PCI slots 0x{}: not offered", value);
        case 0x10 -> pciHotplug[0] = value;
        default -> {}
      }
    }
  }

  /** Both forms of the CPU hotplug registers: a bitmap, and the selector form. */
  private final class CpuHotplugPorts implements PortDevice {
    @Override
    public int read(int port, int sizeBytes) {
      int at = port - cpuHotplugBase;
      return cpuHotplugModern ? modern(at) : bitmap(at);
    }

    @Override
    public void write(int port, int sizeBytes, int value) {
      int at = port - cpuHotplugBase;
      if (!cpuHotplugModern) {
        cpuHotplugModern = at == 0;
      } else if (at == 0) {
        cpuSelector = value;
      } else if (at == 5) {
        cpuCommand = value & 0xff;
      }
    }

    private int bitmap(int at) {
      int octet = 0;
      for (int apicId : apicIds) {
        octet |= apicId / 8 == at ? 1 << apicId % 8 : 0;
      }
      return octet;
    }

    private int modern(int at) {
      boolean present = cpuSelector >= 0 && cpuSelector < apicIds.length;
      return switch (at) {
        case 4 -> present ? 1 : 0;
        case 8 -> present && cpuCommand == 3 ? apicIds[cpuSelector] : present ? cpuSelector : 0;
        default -> 0;
      };
    }
  }
}
