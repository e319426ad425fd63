package dev.here.vmm;

import dev.here.machine.FirmwareConfigFile;
import dev.here.machine.FirmwareConfigState;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * The firmware configuration interface (QEMU docs/specs/fw_cfg): items by selector, read octet by
 * octet or by DMA. Items that the source did not tell read zeros, which ends a list of files.
 * Guarded by the platform's lock.
 */
final class FirmwareConfig implements PortDevice {
  private static final int SIGNATURE = 0;
  private static final int FEATURES = 1;
  private static final int SELECTOR_PORTS = 2;
  private static final int DMA_OFFSET = 4;
  private static final int DMA_PORTS = 8;
  private static final int KEY_MASK = 0xbfff;
  private static final long DMA_SIGNATURE = 0x51454d5520434647L;
  private static final int DMA_ERROR = 0x01;
  private static final int DMA_READ = 0x02;
  private static final int DMA_SKIP = 0x04;
  private static final int DMA_SELECT = 0x08;
  private static final int DMA_WRITE = 0x10;

  private final int port;
  private final boolean dma;
  private final List<FirmwareConfigFile> items;
  private final GuestMemory memory;
  private int selected;
  private int offset;
  private long dmaAddress;

  FirmwareConfig(FirmwareConfigState state, GuestMemory memory) {
    this.port = state.port();
    this.dma = state.dma();
    this.items = state.items();
    this.memory = memory;
    selected = state.selected();
    offset = state.offset();
    dmaAddress = state.dmaAddress();
  }

  FirmwareConfigState state() {
    return new FirmwareConfigState(port, selected, offset, dmaAddress, dma, items);
  }

  void attach(PortBus ports) {
    ports.attach(port, SELECTOR_PORTS, this);
    if (dma) {
      ports.attach(port + DMA_OFFSET, DMA_PORTS, this);
    }
  }

  @Override
  public int read(int at, int sizeBytes) {
    if (at >= port + DMA_OFFSET) {
      int shift = 64 - (at - port - DMA_OFFSET + sizeBytes) * 8;
      return shift < 0 ? -1 : swapped((int) (DMA_SIGNATURE >>> shift), sizeBytes);
    }
    return at == port + 1 && sizeBytes == 1 ? next() : 0;
  }

  @Override
  public void write(int at, int sizeBytes, int value) {
    if (at == port && sizeBytes == 2) {
      select(value);
    } else if (at == port + DMA_OFFSET && sizeBytes == 4) {
      dmaAddress = Integer.toUnsignedLong(Integer.reverseBytes(value)) << 32;
    } else if (at == port + DMA_OFFSET + 4 && sizeBytes == 4) {
      long gpa = dmaAddress | Integer.toUnsignedLong(Integer.reverseBytes(value));
      dmaAddress = 0;
      transfer(gpa);
    }
  }

  private void select(int key) {
    selected = key & KEY_MASK;
    offset = 0;
  }

  private int next() {
    int value = octet(offset);
    skip(1);
    return value;
  }

  private void skip(long octets) {
    offset = (int) Math.min(Integer.MAX_VALUE, offset + octets);
  }

  /** Octets of the selected item from which on all are zero. */
  private int told() {
    for (FirmwareConfigFile item : items) {
      if (item.selector() == selected) {
        return item.content().length();
      }
    }
    return 4;
  }

  private int octet(int at) {
    for (FirmwareConfigFile item : items) {
      if (item.selector() == selected) {
        return at < item.content().length() ? item.content().at(at) : 0;
      }
    }
    return switch (selected) {
      case SIGNATURE -> at < 4 ? "QEMU".charAt(at) : 0;
      case FEATURES -> at == 0 ? dma ? 3 : 1 : 0;
      default -> 0;
    };
  }

  /**
   * A DMA command at {@code gpa}, big-endian: control, length and address. Writes to items are
   * refused; the control word says how it ended.
   */
  private void transfer(long gpa) {
    try {
      int control = Integer.reverseBytes(memory.u32(gpa));
      long length = Integer.toUnsignedLong(Integer.reverseBytes(memory.u32(gpa + 4)));
      long target = Long.reverseBytes(memory.u64(gpa + 8));
      if ((control & DMA_SELECT) != 0) {
        select(control >>> 16);
      }
      memory.putU32(gpa, Integer.reverseBytes(end(control, length, target)));
    } catch (GuestAddressException e) {
      // A command where no memory is has nowhere to report to.
      return;
    }
  }

  private int end(int control, long length, long target) {
    if ((control & DMA_WRITE) != 0 && (control & DMA_READ) == 0) {
      return DMA_ERROR;
    }
    if ((control & DMA_READ) != 0) {
      try {
        MemorySegment into = memory.mapped(target, length, true);
        into.fill((byte) 0);
        for (int at = 0; at < Math.min(length, told() - offset); at++) {
          into.set(ValueLayout.JAVA_BYTE, at, (byte) octet(offset + at));
        }
        skip(length);
      } catch (GuestAddressException e) {
        return DMA_ERROR;
      }
    } else if ((control & DMA_SKIP) != 0) {
      skip(length);
    }
    return 0;
  }

  private static int swapped(int value, int sizeBytes) {
    return Integer.reverseBytes(value) >>> (4 - sizeBytes) * 8;
  }
}
