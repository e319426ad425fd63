package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.PciFunction;
import dev.here.machine.PciRole;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The configuration space of one function (PCI 3.0, chapter 6, header type 0): which bits a guest
 * can write, base address registers that attach and detach what stands behind them, INTx and MSI-X.
 *
 * <p>What is writable: command, cache line size, interrupt line, base addresses, and everything
 * from 40h on except capabilities. {@link #writable} changes that. Status bits are cleared by
 * writing ones. Guarded by the platform's lock.
 */
public final class PciConfig {
  /** Told where a base address register now decodes. */
  @FunctionalInterface
  public interface BarListener {
    /** The BAR decodes at {@code address} (a gpa or a port), or nowhere. */
    void moved(OptionalLong address);
  }

  private record Watch(int offset, int sizeBytes, Runnable changed) {}

  private static final int COMMAND = 0x04;
  private static final int STATUS = 0x06;
  private static final int ROM = 0x30;
  private static final int CAPABILITIES = 0x34;
  private static final int INTERRUPT_PIN = 0x3d;
  private static final int COMMAND_WRITABLE = 0x0507;
  private static final int COMMAND_INTX_DISABLE = 0x0400;
  private static final int STATUS_INTERRUPT = 0x08;
  private static final int STATUS_CAPABILITIES = 0x10;
  private static final int STATUS_CLEARABLE = 0xf900;
  private static final int MSIX = 0x11;

  private final PciAddress address;
  private final PciRole role;
  private final PciBus bus;
  private final byte[] octets;
  private final byte[] writable = new byte[256];
  private final List<PciBar> bars;
  private final @Nullable BarWindow[] windows = new @Nullable BarWindow[7];
  private final List<Watch> watches = new ArrayList<>();
  private final Optional<Msix> msix;
  private int intxLevel;

  public PciConfig(PciFunction state, PciBus bus) {
    this.address = state.address();
    this.role = state.role();
    this.bus = bus;
    this.octets = state.config().toArray();
    this.bars = state.bars();
    this.intxLevel = state.intxLevel();
    Arrays.fill(writable, 0x40, 256, (byte) 0xff);
    writable(COMMAND, 2, COMMAND_WRITABLE);
    writable(0x0c, 1, 0xff);
    writable(0x3c, 1, 0xff);
    protectCapabilities();
    for (PciBar bar : bars) {
      long mask = -bar.sizeBytes();
      writable(registerOf(bar.index()), 4, (int) mask | (bar.index() == 6 ? 1 : 0));
      if (bar.wide()) {
        writable(registerOf(bar.index()) + 4, 4, (int) (mask >>> 32));
      }
      windows[bar.index()] = new BarWindow(bar, bus);
    }
    msix = state.msix().map(table -> new Msix(table, this, bus.msi()));
    driveInterrupt();
  }

  public PciAddress address() {
    return address;
  }

  /** MSI-X of the function, where it has the capability. */
  public Optional<Msix> msix() {
    return msix;
  }

  /** The function as it is now. */
  public PciFunction state() {
    return new PciFunction(address, role, Bytes.of(octets), bars, msix.map(Msix::state), intxLevel);
  }

  /** {@code device} answers BAR {@code index}, memory or ports, wherever the guest places it. */
  public void bar(int index, MmioDevice device) {
    BarWindow window = window(index);
    window.place(OptionalLong.empty());
    window.device = Optional.of(device);
    window.place(decoded(window.bar));
  }

  /**
   * {@code listener} is told where BAR {@code index} decodes, now and whenever that changes; for
   * BARs with memory behind them.
   */
  public void bar(int index, BarListener listener) {
    BarWindow window = window(index);
    window.place(decoded(window.bar));
    window.listener = Optional.of(listener);
    listener.moved(window.at);
  }

  /** Exactly the bits of {@code mask} can be written by the guest. */
  public void writable(int offset, int sizeBytes, int mask) {
    for (int at = 0; at < sizeBytes; at++) {
      writable[offset + at] = (byte) (mask >>> at * 8);
    }
  }

  /** {@code changed} runs after every guest write that touches these octets. */
  public void onWrite(int offset, int sizeBytes, Runnable changed) {
    watches.add(new Watch(offset, sizeBytes, changed));
  }

  /** Sets the function's own interrupt wire, the one that its interrupt pin register names. */
  public void interrupt(boolean asserted) {
    int pin = u8(INTERRUPT_PIN);
    if (pin == 0) {
      return;
    }
    intxLevel = asserted ? intxLevel | 1 << pin - 1 : intxLevel & ~(1 << pin - 1);
    driveInterrupt();
  }

  public int u8(int offset) {
    return octets[offset] & 0xff;
  }

  public int u16(int offset) {
    return u8(offset) | u8(offset + 1) << 8;
  }

  public int u32(int offset) {
    return u16(offset) | u16(offset + 2) << 16;
  }

  /** Sets octets as the function itself does, whatever the guest may write. */
  public void put(int offset, int sizeBytes, int value) {
    for (int at = 0; at < sizeBytes; at++) {
      octets[offset + at] = (byte) (value >>> at * 8);
    }
  }

  /** A guest's read, zero-extended. */
  public int read(int offset, int sizeBytes) {
    int value = 0;
    for (int at = 0; at < sizeBytes; at++) {
      value |= u8(offset + at) << at * 8;
    }
    return value;
  }

  /** A guest's write. */
  public void write(int offset, int sizeBytes, int value) {
    for (int at = 0; at < sizeBytes; at++) {
      int index = offset + at;
      int octet = value >>> at * 8 & 0xff;
      int keep = ~writable[index];
      octets[index] = (byte) (octets[index] & keep | octet & ~keep);
      if (index == STATUS || index == STATUS + 1) {
        octets[index] &= (byte) ~(octet & STATUS_CLEARABLE >> (index - STATUS) * 8);
      }
    }
    if (offset < 0x28 && offset + sizeBytes > COMMAND
        || offset + sizeBytes > ROM && offset < 0x34) {
      placeBars();
      driveInterrupt();
    }
    for (int at = 0; at < watches.size(); at++) {
      Watch watch = watches.get(at);
      if (offset < watch.offset + watch.sizeBytes && watch.offset < offset + sizeBytes) {
        watch.changed.run();
      }
    }
  }

  private BarWindow window(int index) {
    BarWindow window = windows[index];
    if (window == null) {
      throw new InvalidMachineStateException(
          "PCI function %s has no BAR %d, which its role needs".formatted(address, index));
    }
    return window;
  }

  private void placeBars() {
    for (@Nullable BarWindow window : windows) {
      if (window != null) {
        window.place(decoded(window.bar));
      }
    }
  }

  /** Where a BAR answers now: an address of 0 or one that wraps decodes nothing. */
  private OptionalLong decoded(PciBar bar) {
    int register = registerOf(bar.index());
    long base = Integer.toUnsignedLong(u32(register)) & -bar.sizeBytes();
    boolean rom = bar.index() == 6;
    boolean enabled = (u16(COMMAND) & (bar.io() ? 1 : 2)) != 0 && (!rom || (u8(ROM) & 1) != 0);
    if (bar.wide()) {
      base |= (long) u32(register + 4) << 32;
    }
    long last = base + bar.sizeBytes() - 1;
    long limit = bar.io() ? 0xffff : bar.wide() ? Long.MAX_VALUE : 0xffff_ffffL;
    return enabled && base > 0 && last >= base && last < limit
        ? OptionalLong.of(base)
        : OptionalLong.empty();
  }

  private void driveInterrupt() {
    int status = intxLevel != 0 ? u8(STATUS) | STATUS_INTERRUPT : u8(STATUS) & ~STATUS_INTERRUPT;
    octets[STATUS] = (byte) status;
    int pin = u8(INTERRUPT_PIN);
    if (pin >= 1 && pin <= 4) {
      boolean asserted =
          (intxLevel >> pin - 1 & 1) != 0 && (u16(COMMAND) & COMMAND_INTX_DISABLE) == 0;
      bus.routing().set(address, pin - 1, asserted);
    }
  }

  /** Capabilities are read-only but for what {@link #writable} opens again. */
  private void protectCapabilities() {
    if ((u8(STATUS) & STATUS_CAPABILITIES) == 0) {
      return;
    }
    int at = u8(CAPABILITIES) & 0xfc;
    for (int seen = 0; at >= 0x40 && seen < 48; seen++) {
      int length = u8(at) == MSIX ? 12 : u8(at) == 0x09 ? u8(at + 2) : 2;
      Arrays.fill(writable, at, Math.min(256, at + Math.max(length, 2)), (byte) 0);
      at = u8(at + 1) & 0xfc;
    }
  }

  private static int registerOf(int bar) {
    return bar == 6 ? ROM : 0x10 + bar * 4;
  }

  /** One BAR's present place, and its adapter between ports and offsets. */
  private static final class BarWindow implements PortDevice {
    final PciBar bar;
    final PciBus bus;
    Optional<MmioDevice> device = Optional.empty();
    Optional<BarListener> listener = Optional.empty();
    OptionalLong at = OptionalLong.empty();

    BarWindow(PciBar bar, PciBus bus) {
      this.bar = bar;
      this.bus = bus;
    }

    void place(OptionalLong to) {
      if (to.equals(at)) {
        return;
      }
      at.ifPresent(this::detach);
      at = to;
      at.ifPresent(this::attach);
      listener.ifPresent(told -> told.moved(at));
    }

    private void attach(long address) {
      if (bar.io()) {
        bus.ports().attach((int) address, (int) bar.sizeBytes(), this);
      } else {
        device.ifPresent(behind -> bus.mmio().attach(address, bar.sizeBytes(), behind));
      }
    }

    private void detach(long address) {
      if (bar.io()) {
        bus.ports().detach((int) address, (int) bar.sizeBytes(), this);
      } else {
        device.ifPresent(behind -> bus.mmio().detach(address, behind));
      }
    }

    @Override
    public int read(int port, int sizeBytes) {
      return device.map(behind -> (int) behind.read(port - at.orElseThrow(), sizeBytes)).orElse(-1);
    }

    @Override
    public void write(int port, int sizeBytes, int value) {
      device.ifPresent(behind ->
          behind.write(port - at.orElseThrow(), sizeBytes, Integer.toUnsignedLong(value)));
    }
  }
}
