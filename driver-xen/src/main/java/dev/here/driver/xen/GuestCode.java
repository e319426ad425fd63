package dev.here.driver.xen;

import dev.here.formats.xen.HvmCpu;
import java.util.OptionalLong;

/**
 * The octets of the instructions around a vCPU's next one, read through its page tables (AMD64 APM
 * volume 2, 5.3). Only for vCPUs in long mode with four levels.
 */
final class GuestCode {
  private static final int CODE_SEGMENT = 0;
  private static final long PAGING = 1L << 31;
  private static final long FIVE_LEVELS = 1 << 12;
  private static final long LONG_MODE_ACTIVE = 1 << 10;
  private static final long PRESENT = 1;
  private static final long LARGE = 1 << 7;
  private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
  private static final int LONGEST_INSTRUCTION = 15;

  private final PhysicalMemory memory;
  private final HvmCpu cpu;

  /** Memory by guest-physical address. */
  interface PhysicalMemory {
    /** The eight octets at an aligned address, if there is memory. */
    OptionalLong word(long address);
  }

  GuestCode(PhysicalMemory memory, HvmCpu cpu) {
    this.memory = memory;
    this.cpu = cpu;
  }

  /**
   * Whether the last instruction was a plain IN or OUT that is done but for its answer. A string
   * instruction is not stepped over before its answer is there, so the next instruction must not be
   * one.
   */
  boolean isBehindPlainPortAccess() {
    boolean behind = isPlain(octet(-1)) || isImmediate(octet(-2));
    for (int at = 0; behind && at < LONGEST_INSTRUCTION; at++) {
      int next = octet(at);
      if (next < 0 || isString(next)) {
        return false;
      }
      if (!isPrefix(next)) {
        return true;
      }
    }
    return false;
  }

  /** IN and OUT with the port in DX: EC to EF. */
  private static boolean isPlain(int octet) {
    return octet >= 0xec && octet <= 0xef;
  }

  /** IN and OUT with the port behind the opcode: E4 to E7. */
  private static boolean isImmediate(int octet) {
    return octet >= 0xe4 && octet <= 0xe7;
  }

  /** INS and OUTS: 6C to 6F. */
  private static boolean isString(int octet) {
    return octet >= 0x6c && octet <= 0x6f;
  }

  private static boolean isPrefix(int octet) {
    return switch (octet) {
      case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3 -> true;
      default -> octet >= 0x40 && octet <= 0x4f;
    };
  }

  /** The octet so far from the next instruction; -1 where it cannot be read. */
  private int octet(int distance) {
    long linear = cpu.segments().get(CODE_SEGMENT).base() + cpu.general().rip() + distance;
    OptionalLong physical = physical(linear);
    if (physical.isEmpty()) {
      return -1;
    }
    OptionalLong word = memory.word(physical.getAsLong() & ~7);
    return word.isEmpty() ? -1 : (int) (word.getAsLong() >>> 8 * (physical.getAsLong() & 7)) & 0xff;
  }

  private OptionalLong physical(long linear) {
    boolean fourLevels =
        (cpu.cr0() & PAGING) != 0
            && (cpu.msrs().efer() & LONG_MODE_ACTIVE) != 0
            && (cpu.cr4() & FIVE_LEVELS) == 0;
    long table = cpu.cr3() & ADDRESS;
    for (int shift = 39; fourLevels && shift >= 12; shift -= 9) {
      OptionalLong entry = memory.word(table + 8 * (linear >>> shift & 0x1ff));
      if (entry.isEmpty() || (entry.getAsLong() & PRESENT) == 0) {
        return OptionalLong.empty();
      }
      table = entry.getAsLong() & ADDRESS;
      if (shift == 12 || shift < 39 && (entry.getAsLong() & LARGE) != 0) {
        long within = (1L << shift) - 1;
        return OptionalLong.of(table & ~within | linear & within);
      }
    }
    return OptionalLong.empty();
  }
}
