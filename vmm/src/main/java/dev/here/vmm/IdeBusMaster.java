package dev.here.vmm;

import dev.here.machine.IdeChannel;

/**
 * The bus master of one IDE channel (Intel 82371SB data sheet, section 2.7): it writes a drive's
 * data to guest memory as a table of physical region descriptors says. Guarded by the platform's
 * lock.
 */
final class IdeBusMaster {
  private static final int START = 0x01;
  private static final int TO_MEMORY = 0x08;
  private static final int ACTIVE = 0x01;
  private static final int ERROR = 0x02;
  private static final int INTERRUPT = 0x04;
  private static final int DRIVES_CAN_DMA = 0x60;
  private static final int DESCRIPTOR_BYTES = 8;
  private static final int MAX_DESCRIPTORS = 0x10000 / DESCRIPTOR_BYTES;
  private static final int MAX_REGION_BYTES = 0x10000;
  private static final int END_OF_TABLE = 0x8000_0000;

  private final GuestMemory memory;
  private int command;
  private int status;
  private long table;

  IdeBusMaster(IdeChannel state, GuestMemory memory) {
    this.memory = memory;
    command = state.busMasterCommand();
    status = state.busMasterStatus();
    table = state.busMasterTable();
  }

  int command() {
    return command;
  }

  int status() {
    return status;
  }

  long table() {
    return table;
  }

  int read(int offset) {
    return switch (offset) {
      case 0 -> command;
      case 2 -> status;
      case 4, 5, 6, 7 -> (int) (table >> (offset - 4) * 8) & 0xff;
      default -> 0xff;
    };
  }

  void write(int offset, int value) {
    switch (offset) {
      case 0 -> {
        if ((command & START) == 0 && (value & START) != 0) {
          status |= ACTIVE;
        } else if ((value & START) == 0) {
          status &= ~ACTIVE;
        }
        command = value & (START | TO_MEMORY);
      }
      case 2 ->
          status = value & DRIVES_CAN_DMA | status & ACTIVE | status & ~value & (INTERRUPT | ERROR);
      case 4, 5, 6, 7 -> {
        int shift = (offset - 4) * 8;
        table = (table & ~(0xffL << shift) | (long) value << shift) & 0xffff_fffcL;
      }
      default -> {}
    }
  }

  /** Whether it awaits data from the drive. */
  boolean started() {
    return (command & START) != 0 && (status & ACTIVE) != 0;
  }

  /** The drive has interrupted. */
  void interrupted() {
    status |= INTERRUPT;
  }

  /**
   * Writes a drive's data to the regions of the table; ends it. A table that is too short drops the
   * rest; a table or region that is no memory, or the wrong direction, shows as an error.
   */
  void transfer(byte[] data) {
    status &= ~ACTIVE;
    if ((command & TO_MEMORY) == 0) {
      status |= ERROR;
      return;
    }
    int written = 0;
    try {
      for (int at = 0; at < MAX_DESCRIPTORS && written < data.length; at++) {
        long gpa = Integer.toUnsignedLong(memory.u32(table + (long) at * DESCRIPTOR_BYTES));
        int sizeAndEnd = memory.u32(table + (long) at * DESCRIPTOR_BYTES + 4);
        int size = sizeAndEnd & 0xfffe;
        int end = Math.min(data.length, written + (size == 0 ? MAX_REGION_BYTES : size));
        for (; written < end; written++) {
          memory.putU8(gpa++, data[written]);
        }
        if ((sizeAndEnd & END_OF_TABLE) != 0) {
          return;
        }
      }
    } catch (GuestAddressException e) {
      status |= ERROR;
    }
  }
}
