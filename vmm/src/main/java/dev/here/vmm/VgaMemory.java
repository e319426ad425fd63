package dev.here.vmm;

import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.MemoryRegion;
import java.lang.foreign.ValueLayout;

/**
 * The window at A0000h through which a guest reaches the four planes of a VGA's memory (IBM VGA
 * Technical Reference, memory modes), as the sequencer's and graphics controller's registers say.
 * Offsets of planes: octet {@code 4 n + p} of the framebuffer is octet n of plane p. Guarded by the
 * platform's lock.
 */
final class VgaMemory implements MmioDevice {
  static final long WINDOW_GPA = 0xa0000;
  static final long WINDOW_BYTES = 0x20000;
  private static final int NOWHERE = -1;
  private static final int PLANE_WRITE = 2;
  private static final int MEMORY_MODE = 4;
  private static final int CHAIN_4 = 0x08;
  private static final int SET_RESET = 0;
  private static final int ENABLE_SET_RESET = 1;
  private static final int COLOUR_COMPARE = 2;
  private static final int ROTATE = 3;
  private static final int PLANE_READ = 4;
  private static final int MODE = 5;
  private static final int ODD_EVEN = 0x10;
  private static final int READ_COMPARE = 0x08;
  private static final int MISCELLANEOUS = 6;
  private static final int COLOUR_CARE = 7;
  private static final int BIT_MASK = 8;

  private final GuestMemory memory;
  private final long backingOffset;
  private final int sizeBytes;
  private final byte[] sequencer;
  private final byte[] graphics;
  private int latch;
  private int bankBytes;

  /**
   * @param backingOffset of the framebuffer in the memory's backing
   * @param sequencer the registers themselves, read at every access
   * @param graphics likewise
   */
  VgaMemory(
      GuestMemory memory,
      long backingOffset,
      long sizeBytes,
      byte[] sequencer,
      byte[] graphics,
      int latch) {
    long backingBytes = memory.backing().byteSize();
    if (sizeBytes < 0x10000
        || sizeBytes > 1 << 30
        || backingOffset < 0
        || backingOffset > backingBytes - sizeBytes) {
      throw new InvalidMachineStateException(
          "the framebuffer has %d octets at 0x%x of a backing of %d"
              .formatted(sizeBytes, backingOffset, backingBytes));
    }
    this.memory = memory;
    this.backingOffset = backingOffset;
    this.sizeBytes = (int) sizeBytes;
    this.sequencer = sequencer;
    this.graphics = graphics;
    this.latch = latch;
  }

  int latch() {
    return latch;
  }

  int sizeBytes() {
    return sizeBytes;
  }

  /** Where the window of 64 KiB at A0000h starts in the framebuffer (Bochs banks). */
  void bank(int number) {
    bankBytes = number << 16;
  }

  /** Fills the framebuffer's first octets with zeros. */
  void clear(int octets) {
    int length = Math.min(octets, sizeBytes);
    if (length > 0) {
      memory.backing().asSlice(backingOffset, length).fill((byte) 0);
      int first = (int) (backingOffset / MemoryRegion.PAGE_BYTES);
      int last = (int) ((backingOffset + length - 1) / MemoryRegion.PAGE_BYTES);
      memory.deviceWrites().addRange(first, last - first + 1);
    }
  }

  @Override
  public long read(long offset, int sizeBytes) {
    long value = 0;
    for (int at = 0; at < sizeBytes; at++) {
      value |= (long) readOctet((int) offset + at) << at * 8;
    }
    return value;
  }

  @Override
  public void write(long offset, int sizeBytes, long value) {
    for (int at = 0; at < sizeBytes; at++) {
      writeOctet((int) offset + at, (int) (value >>> at * 8) & 0xff);
    }
  }

  private int readOctet(int offset) {
    int at = inMemory(offset);
    if (at == NOWHERE) {
      return 0xff;
    }
    if ((sequencer(MEMORY_MODE) & CHAIN_4) != 0) {
      return octet(at);
    }
    if ((graphics(MODE) & ODD_EVEN) != 0) {
      int plane = graphics(PLANE_READ) & 2 | at & 1;
      return octet((at & ~1) << 1 | plane);
    }
    latch = 0;
    for (int plane = 0; plane < 4; plane++) {
      latch |= octet(at * 4 + plane) << plane * 8;
    }
    if ((graphics(MODE) & READ_COMPARE) == 0) {
      return latch >>> (graphics(PLANE_READ) & 3) * 8 & 0xff;
    }
    int differs =
        (latch ^ everyPlane(graphics(COLOUR_COMPARE))) & everyPlane(graphics(COLOUR_CARE));
    return ~(differs | differs >>> 8 | differs >>> 16 | differs >>> 24) & 0xff;
  }

  private void writeOctet(int offset, int value) {
    int at = inMemory(offset);
    if (at == NOWHERE) {
      return;
    }
    int planes = sequencer(PLANE_WRITE);
    if ((sequencer(MEMORY_MODE) & CHAIN_4) != 0) {
      if ((planes >> (at & 3) & 1) != 0) {
        put(at, value);
      }
    } else if ((graphics(MODE) & ODD_EVEN) != 0) {
      int plane = graphics(PLANE_READ) & 2 | at & 1;
      if ((planes >> plane & 1) != 0) {
        put((at & ~1) << 1 | plane, value);
      }
    } else {
      int written = planar(value);
      for (int plane = 0; plane < 4; plane++) {
        if ((planes >> plane & 1) != 0) {
          put(at * 4 + plane, written >>> plane * 8);
        }
      }
    }
  }

  /** What the graphics controller makes of an octet, in its four write modes, for four planes. */
  private int planar(int value) {
    int rotation = graphics(ROTATE) & 7;
    int rotated = (value >> rotation | value << 8 - rotation) & 0xff;
    int bits = graphics(BIT_MASK);
    int result;
    switch (graphics(MODE) & 3) {
      case 0 -> {
        int set = everyPlane(graphics(ENABLE_SET_RESET));
        result = rotated * 0x01010101 & ~set | everyPlane(graphics(SET_RESET)) & set;
      }
      case 1 -> {
        return latch;
      }
      case 2 -> result = everyPlane(value);
      default -> {
        bits &= rotated;
        result = everyPlane(graphics(SET_RESET));
      }
    }
    result =
        switch (graphics(ROTATE) >> 3 & 3) {
          case 1 -> result & latch;
          case 2 -> result | latch;
          case 3 -> result ^ latch;
          default -> result;
        };
    int mask = bits * 0x01010101;
    return result & mask | latch & ~mask;
  }

  /** Where in the memory an offset of the window lies, before planes. */
  private int inMemory(int offset) {
    return switch (graphics(MISCELLANEOUS) >> 2 & 3) {
      case 0 -> offset;
      case 1 -> offset < 0x10000 ? offset + bankBytes : NOWHERE;
      case 2 -> offset >= 0x10000 && offset < 0x18000 ? offset - 0x10000 : NOWHERE;
      default -> offset >= 0x18000 ? offset - 0x18000 : NOWHERE;
    };
  }

  private static int everyPlane(int nibble) {
    int octets = 0;
    for (int plane = 0; plane < 4; plane++) {
      octets |= (nibble >> plane & 1) * 0xff << plane * 8;
    }
    return octets;
  }

  private int sequencer(int index) {
    return sequencer[index] & 0xff;
  }

  private int graphics(int index) {
    return graphics[index] & 0xff;
  }

  private int octet(int at) {
    return at >= 0 && at < sizeBytes
        ? memory.backing().get(ValueLayout.JAVA_BYTE, backingOffset + at) & 0xff
        : 0xff;
  }

  private void put(int at, int value) {
    if (at >= 0 && at < sizeBytes) {
      memory.backing().set(ValueLayout.JAVA_BYTE, backingOffset + at, (byte) value);
      memory.deviceWrites().add((int) ((backingOffset + at) / MemoryRegion.PAGE_BYTES));
    }
  }
}
