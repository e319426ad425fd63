package dev.here.vmm;

import dev.here.machine.IoApicState;
import java.util.Arrays;
import java.util.function.IntSupplier;

/**
 * An I/O APIC (Intel 82093AA data sheet, order number 290566) with as many inputs as its state
 * says. It sends messages as MSIs, the form in which KVM takes interrupts of an I/O APIC that it
 * does not hold itself. Guarded by the platform's lock.
 */
public final class IoApic implements MmioDevice {
  /** Told when a redirection entry has changed, so that KVM's routing can follow. */
  @FunctionalInterface
  public interface RedirectionListener {
    /**
     * Input {@code pin} now sends {@code data} to {@code address}, unless {@code masked}. For
     * level-triggered entries KVM reports the end of interrupt only where its routing says so.
     */
    void changed(int pin, long address, int data, boolean masked);
  }

  /** Octets of the register window. */
  public static final int WINDOW_BYTES = 0x1000;

  private static final int SELECT = 0x00;
  private static final int WINDOW = 0x10;
  private static final int EOI = 0x40;
  private static final int FIRST_REDIRECTION = 0x10;
  private static final int VERSION_WITH_EOI = 0x20;
  private static final long DELIVERY_STATUS = 1L << 12;
  private static final long REMOTE_IRR = 1L << 14;
  private static final long LEVEL = 1L << 15;
  private static final long MASKED = 1L << 16;
  private static final int EXT_INT = 7;

  private final long gpa;
  private final int version;
  private final long[] redirections;
  private final MsiSink sink;
  private final IntSupplier picAcknowledge;
  private RedirectionListener listener = (pin, address, data, masked) -> {};
  private int id;
  private int selected;
  private long lines;
  private boolean settling;

  /**
   * @param picAcknowledge gives the vector for an input whose delivery mode is ExtINT
   */
  public IoApic(IoApicState state, MsiSink sink, IntSupplier picAcknowledge) {
    this.gpa = state.gpa();
    this.version = state.version();
    this.redirections = state.redirections().stream().mapToLong(Long::longValue).toArray();
    this.sink = sink;
    this.picAcknowledge = picAcknowledge;
    this.id = state.id();
    this.selected = state.selectedRegister();
    this.lines = state.lines();
  }

  /** After power-on, at its usual address: every input masked. */
  public static IoApicState powerOn(int id, int pins) {
    Long[] masked = new Long[pins];
    Arrays.fill(masked, MASKED);
    return new IoApicState(id, 0xfec00000L, 0, VERSION_WITH_EOI, 0, Arrays.asList(masked));
  }

  public IoApicState state() {
    return new IoApicState(
        id, gpa, selected, version, lines, Arrays.stream(redirections).boxed().toList());
  }

  public void attach(MmioBus mmio) {
    mmio.attach(gpa, WINDOW_BYTES, this);
  }

  /** Number of inputs. */
  public int pins() {
    return redirections.length;
  }

  /** {@code newListener} hears of every entry now, and of each that changes. */
  public void listen(RedirectionListener newListener) {
    listener = newListener;
    for (int pin = 0; pin < redirections.length; pin++) {
      tell(pin);
    }
  }

  /** The level of input {@code pin}. */
  public void line(int pin, boolean asserted) {
    long bit = 1L << pin;
    boolean rising = asserted && (lines & bit) == 0;
    lines = asserted ? lines | bit : lines & ~bit;
    if (rising && !settling) {
      request(pin);
    }
  }

  /** From now on levels are taken as found, without sending anything, until {@link #settled}. */
  void settle() {
    settling = true;
  }

  /** Levels are in place: level-triggered inputs that are asserted and not in service are sent. */
  void settled() {
    settling = false;
    for (int pin = 0; pin < redirections.length; pin++) {
      requestLevel(pin);
    }
  }

  /** A processor has ended the interrupt with {@code vector}: asserted inputs send again. */
  public void endOfInterrupt(int vector) {
    for (int pin = 0; pin < redirections.length; pin++) {
      if ((redirections[pin] & 0xff) == vector && (redirections[pin] & REMOTE_IRR) != 0) {
        redirections[pin] &= ~REMOTE_IRR;
        requestLevel(pin);
      }
    }
  }

  @Override
  public long read(long offset, int sizeBytes) {
    return switch ((int) offset & 0xff) {
      case SELECT -> selected;
      case WINDOW -> sizeBytes == 4 ? Integer.toUnsignedLong(register()) : 0;
      default -> 0;
    };
  }

  @Override
  public void write(long offset, int sizeBytes, long value) {
    switch ((int) offset & 0xff) {
      case SELECT -> selected = (int) value & 0xff;
      case WINDOW -> {
        if (sizeBytes == 4) {
          writeRegister(value);
        }
      }
      case EOI -> {
        if (version >= VERSION_WITH_EOI) {
          endOfInterrupt((int) value & 0xff);
        }
      }
      default -> {}
    }
  }

  private int register() {
    int index = selected - FIRST_REDIRECTION;
    if (index >= 0 && index / 2 < redirections.length) {
      return (int) (redirections[index / 2] >>> (index & 1) * 32);
    }
    return switch (selected) {
      case 0, 2 -> id << 24;
      case 1 -> version | redirections.length - 1 << 16;
      default -> 0;
    };
  }

  private void writeRegister(long value) {
    int index = selected - FIRST_REDIRECTION;
    if (selected == 0) {
      id = (int) (value >> 24) & 0xf;
    } else if (index >= 0 && index / 2 < redirections.length) {
      writeRedirection(index / 2, (index & 1) != 0, value);
    }
  }

  /** Remote IRR cannot be written, but an edge-triggered input has none. */
  private void writeRedirection(int pin, boolean high, long value) {
    long readOnly = DELIVERY_STATUS | REMOTE_IRR;
    long before = redirections[pin];
    long after =
        high
            ? before & 0xffff_ffffL | value << 32
            : before & (0xffffffff_00000000L | readOnly) | value & 0xffff_ffffL & ~readOnly;
    redirections[pin] = (after & LEVEL) == 0 ? after & ~REMOTE_IRR : after;
    if (redirections[pin] != before) {
      tell(pin);
    }
    requestLevel(pin);
  }

  private void requestLevel(int pin) {
    if ((redirections[pin] & LEVEL) != 0 && (lines & 1L << pin) != 0) {
      request(pin);
    }
  }

  /** An edge on a masked input is lost, as the data sheet demands; a level waits. */
  private void request(int pin) {
    long entry = redirections[pin];
    if ((entry & (MASKED | REMOTE_IRR)) != 0 || settling) {
      return;
    }
    if ((entry & LEVEL) != 0) {
      redirections[pin] |= REMOTE_IRR;
    }
    int data = data(entry);
    if ((data >> 8 & 7) == EXT_INT) {
      data = data & ~0x7ff | picAcknowledge.getAsInt();
    }
    sink.signal(address(entry), data);
  }

  private void tell(int pin) {
    long entry = redirections[pin];
    listener.changed(pin, address(entry), data(entry), (entry & MASKED) != 0);
  }

  /** Destination and its mode, as an MSI's address (Intel SDM volume 3, section 11.11.1). */
  private static long address(long entry) {
    return 0xfee00000L | (entry >>> 56) << 12 | (entry >>> 11 & 1) << 2;
  }

  /** Vector, delivery mode and trigger, as an MSI's data (Intel SDM volume 3, section 11.11.2). */
  private static int data(long entry) {
    return (int) (entry & 0x7ff) | (int) (entry & LEVEL);
  }
}
