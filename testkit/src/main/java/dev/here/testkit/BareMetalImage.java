package dev.here.testkit;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;

/**
 * The memory image of a guest without an operating system: it starts in 64-bit mode with the first
 * 4 GiB mapped one to one (2 MiB pages), so that RAM and the LAPIC's page are both reachable.
 *
 * <pre>
 *   0x01000  PML4          ({@link #PML4_GPA}, for CR3)
 *   0x02000  PDPT
 *   0x03000  4 page directories
 *   0x07000  GDT: null, 64-bit code (8), data (16)
 *   0x08000  IDT of 256 gates
 *   0x10000  code          ({@link #CODE_GPA})
 *   0x40000  end of the code's room; stacks end at {@link #stackTopGpa}
 *   0x80000  free for the guest ({@link #FREE_GPA})
 * </pre>
 */
public final class BareMetalImage {
  public static final long PML4_GPA = 0x1000;
  public static final long GDT_GPA = 0x7000;
  public static final int GDT_LIMIT = 3 * 8 - 1;
  public static final long IDT_GPA = 0x8000;
  public static final int IDT_LIMIT = 256 * 16 - 1;
  public static final int CODE_SELECTOR = 8;
  public static final int DATA_SELECTOR = 16;
  public static final long CODE_GPA = 0x10000;
  public static final long FREE_GPA = 0x80000;

  /** Smallest RAM in bytes that holds the image. */
  public static final long MIN_RAM_BYTES = 0x100000;

  private static final long PDPT_GPA = 0x2000;
  private static final long DIRECTORIES_GPA = 0x3000;
  private static final long STACKS_END_GPA = 0x80000;
  private static final long STACK_BYTES = 0x4000;
  private static final int MAX_VCPUS = 8;
  private static final long CODE_END_GPA = STACKS_END_GPA - MAX_VCPUS * STACK_BYTES;
  private static final long PRESENT_WRITABLE = 3;
  private static final long LARGE = 0x80;
  private static final long ACCESSED_DIRTY = 0x60;

  private final X64Code code;
  private final byte[] bytes;
  private final Map<Integer, String> handlers;

  private BareMetalImage(X64Code code, Map<Integer, String> handlers) {
    this.code = code;
    this.bytes = code.toBytes();
    this.handlers = new TreeMap<>(handlers);
    if (bytes.length > CODE_END_GPA - CODE_GPA) {
      throw new IllegalArgumentException("code of " + bytes.length + " bytes is too long");
    }
  }

  /** An image without interrupt handlers: any interrupt or exception is a triple fault. */
  public static BareMetalImage of(X64Code code) {
    return new BareMetalImage(code, Map.of());
  }

  /**
   * An image with interrupt gates.
   *
   * @param handlers vector to label of its handler
   */
  public static BareMetalImage of(X64Code code, Map<Integer, String> handlers) {
    return new BareMetalImage(code, handlers);
  }

  /** Guest-physical (and linear) address of a label. */
  public long gpa(String label) {
    return CODE_GPA + code.offset(label);
  }

  /** Initial stack pointer of a vCPU, 0 to 7; each stack has 16 KiB. */
  public static long stackTopGpa(int vcpu) {
    if (vcpu < 0 || vcpu >= MAX_VCPUS) {
      throw new IllegalArgumentException("no stack for vCPU " + vcpu);
    }
    return STACKS_END_GPA - vcpu * STACK_BYTES;
  }

  /**
   * Writes page tables, descriptor tables and code.
   *
   * @param ram guest RAM whose first byte is gpa 0, at least {@link #MIN_RAM_BYTES}
   */
  public void writeTo(MemorySegment ram) {
    if (ram.byteSize() < MIN_RAM_BYTES) {
      throw new IllegalArgumentException("RAM of " + ram.byteSize() + " bytes is too small");
    }
    put(ram, PML4_GPA, PDPT_GPA | PRESENT_WRITABLE | 0x20);
    for (int directory = 0; directory < 4; directory++) {
      long directoryGpa = DIRECTORIES_GPA + directory * 0x1000L;
      put(ram, PDPT_GPA + 8 * directory, directoryGpa | PRESENT_WRITABLE | 0x20);
      for (int entry = 0; entry < 512; entry++) {
        long pageGpa = (directory * 512L + entry) << 21;
        // Accessed and dirty already, so that the guest's own walks don't write to the tables.
        put(ram, directoryGpa + 8L * entry, pageGpa | PRESENT_WRITABLE | LARGE | ACCESSED_DIRTY);
      }
    }
    put(ram, GDT_GPA, 0);
    put(ram, GDT_GPA + CODE_SELECTOR, 0x00af9b000000ffffL);
    put(ram, GDT_GPA + DATA_SELECTOR, 0x00cf93000000ffffL);
    handlers.forEach((vector, label) -> putGate(ram, vector, gpa(label)));
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, ram, CODE_GPA, bytes.length);
  }

  private static void putGate(MemorySegment ram, int vector, long handler) {
    long low = handler & 0xffff | (long) CODE_SELECTOR << 16 | 0x8e00L << 32;
    put(ram, IDT_GPA + 16L * vector, low | (handler >>> 16 & 0xffff) << 48);
    put(ram, IDT_GPA + 16L * vector + 8, handler >>> 32);
  }

  private static void put(MemorySegment ram, long gpa, long value) {
    ram.set(JAVA_LONG_UNALIGNED, gpa, value);
  }
}
