package dev.here.vmm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The Bochs display registers of a standard VGA (QEMU docs/specs/standard-vga.rst; Bochs VBE
 * display API): 16-bit registers behind an index. They select modes that nobody looks at; what a
 * guest can read back is kept true. Guarded by the platform's lock.
 */
final class BochsDisplay implements PortDevice {
  private static final int INDEX_PORT = 0x1ce;
  private static final int REGISTERS = 10;
  private static final int ID = 0;
  private static final int WIDTH = 1;
  private static final int HEIGHT = 2;
  private static final int DEPTH = 3;
  private static final int ENABLE = 4;
  private static final int BANK = 5;
  private static final int VIRTUAL_WIDTH = 6;
  private static final int VIRTUAL_HEIGHT = 7;
  private static final int X_OFFSET = 8;
  private static final int Y_OFFSET = 9;
  private static final int MEMORY_64K = 10;
  private static final int ENABLED = 0x01;
  private static final int CAPABILITIES = 0x02;
  private static final int KEEP_MEMORY = 0x80;
  private static final int MAX_WIDTH = 16_000;
  private static final int MAX_HEIGHT = 12_000;
  private static final int MAX_DEPTH = 32;
  private static final int OLDEST_ID = 0xb0c0;
  private static final int NEWEST_ID = 0xb0c5;

  private final VgaMemory memory;
  private final Runnable enabled;
  private final int[] registers;
  private int index;

  /**
   * @param enabled a mode begins: the VGA registers follow it
   */
  BochsDisplay(int index, List<Integer> state, VgaMemory memory, Runnable enabled) {
    this.index = index;
    this.memory = memory;
    this.enabled = enabled;
    registers = Arrays.copyOf(state.stream().mapToInt(Integer::intValue).toArray(), REGISTERS);
    placeBank();
  }

  int index() {
    return index;
  }

  List<Integer> registers() {
    List<Integer> values = new ArrayList<>();
    for (int register : registers) {
      values.add(register);
    }
    return values;
  }

  void attach(PortBus ports) {
    ports.attach(INDEX_PORT, 3, this);
  }

  @Override
  public int read(int port, int sizeBytes) {
    return port == INDEX_PORT ? index : read(index);
  }

  @Override
  public void write(int port, int sizeBytes, int value) {
    if (port == INDEX_PORT) {
      index = value & 0xffff;
    } else {
      write(index, value & 0xffff);
    }
  }

  /** The register through the memory window, which moves the index too. */
  int readDirect(int register) {
    index = register;
    return read(register);
  }

  /** Likewise. */
  void writeDirect(int register, int value) {
    index = register;
    write(register, value);
  }

  private int read(int register) {
    if (register == MEMORY_64K) {
      return memory.sizeBytes() >> 16;
    }
    if (register >= REGISTERS) {
      return 0;
    }
    if ((registers[ENABLE] & CAPABILITIES) != 0) {
      switch (register) {
        case WIDTH -> {
          return MAX_WIDTH;
        }
        case HEIGHT -> {
          return MAX_HEIGHT;
        }
        case DEPTH -> {
          return MAX_DEPTH;
        }
        default -> {}
      }
    }
    return registers[register];
  }

  private void write(int register, int value) {
    switch (register) {
      case ID -> registers[ID] = value >= OLDEST_ID && value <= NEWEST_ID ? value : registers[ID];
      case WIDTH, HEIGHT, DEPTH, VIRTUAL_WIDTH, X_OFFSET, Y_OFFSET -> {
        registers[register] = value;
        fit();
      }
      case BANK -> {
        registers[BANK] = value & (memory.sizeBytes() >> 16) - 1;
        placeBank();
      }
      case ENABLE -> enable(value);
      default -> {}
    }
  }

  private void enable(int value) {
    boolean begins = (value & ENABLED) != 0 && (registers[ENABLE] & ENABLED) == 0;
    if (begins) {
      registers[VIRTUAL_WIDTH] = 0;
      registers[X_OFFSET] = 0;
      registers[Y_OFFSET] = 0;
    }
    registers[ENABLE] = value;
    if (begins) {
      fit();
      enabled.run();
      if ((value & KEEP_MEMORY) == 0) {
        memory.clear(registers[HEIGHT] * lineBytes(registers[VIRTUAL_WIDTH]));
      }
    } else if ((value & ENABLED) == 0) {
      registers[BANK] = 0;
    }
    placeBank();
  }

  /** A mode that is on is one that the memory can hold. */
  private void fit() {
    if ((registers[ENABLE] & ENABLED) == 0) {
      return;
    }
    int depth = registers[DEPTH];
    registers[DEPTH] =
        switch (depth) {
          case 4, 8, 16, 24, 32 -> depth;
          case 15 -> 16;
          default -> 8;
        };
    registers[WIDTH] = Math.clamp(registers[WIDTH] & ~7, 8, MAX_WIDTH);
    registers[VIRTUAL_WIDTH] =
        Math.clamp(registers[VIRTUAL_WIDTH] & ~7, registers[WIDTH], MAX_WIDTH);
    int lines = memory.sizeBytes() / lineBytes(registers[VIRTUAL_WIDTH]);
    registers[HEIGHT] = Math.clamp(registers[HEIGHT], 1, Math.min(MAX_HEIGHT, lines));
    registers[VIRTUAL_HEIGHT] = Math.min(lines, 0xffff);
    if (registers[X_OFFSET] > registers[VIRTUAL_WIDTH] - registers[WIDTH]) {
      registers[X_OFFSET] = 0;
    }
    if (registers[Y_OFFSET] > lines - registers[HEIGHT]) {
      registers[Y_OFFSET] = 0;
    }
  }

  private int lineBytes(int width) {
    return Math.max(1, width * registers[DEPTH] / 8);
  }

  private void placeBank() {
    memory.bank((registers[ENABLE] & ENABLED) != 0 ? registers[BANK] & 0x3fff : 0);
  }
}
