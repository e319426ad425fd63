package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * A segment register with its hidden part (struct kvm_segment; Intel SDM volume 3, section 3.4.3).
 *
 * @param limit in bytes, after the granularity bit was applied
 * @param selector 16 bits
 * @param type 4 bits of the descriptor's access byte
 * @param present to {@code unusable} are 0 or 1; {@code dpl} is 0 to 3
 */
public record KvmSegment(
    long base,
    int limit,
    int selector,
    int type,
    int present,
    int dpl,
    int db,
    int s,
    int l,
    int g,
    int avl,
    int unusable) {

  /** A flat 64-bit code segment of ring 0. */
  public static KvmSegment code64(int selector) {
    return new KvmSegment(0, -1, selector, 0xb, 1, 0, 0, 1, 1, 1, 0, 0);
  }

  /** A flat data segment of ring 0. */
  public static KvmSegment data(int selector) {
    return new KvmSegment(0, -1, selector, 0x3, 1, 0, 1, 1, 0, 1, 0, 0);
  }

  static KvmSegment get(MemorySegment in, long at) {
    return new KvmSegment(
        in.get(JAVA_LONG, at),
        in.get(JAVA_INT, at + 8),
        in.get(JAVA_SHORT, at + 12) & 0xffff,
        u8(in, at + 14),
        u8(in, at + 15),
        u8(in, at + 16),
        u8(in, at + 17),
        u8(in, at + 18),
        u8(in, at + 19),
        u8(in, at + 20),
        u8(in, at + 21),
        u8(in, at + 22));
  }

  void put(MemorySegment out, long at) {
    out.set(JAVA_LONG, at, base);
    out.set(JAVA_INT, at + 8, limit);
    out.set(JAVA_SHORT, at + 12, (short) selector);
    out.set(JAVA_BYTE, at + 14, (byte) type);
    out.set(JAVA_BYTE, at + 15, (byte) present);
    out.set(JAVA_BYTE, at + 16, (byte) dpl);
    out.set(JAVA_BYTE, at + 17, (byte) db);
    out.set(JAVA_BYTE, at + 18, (byte) s);
    out.set(JAVA_BYTE, at + 19, (byte) l);
    out.set(JAVA_BYTE, at + 20, (byte) g);
    out.set(JAVA_BYTE, at + 21, (byte) avl);
    out.set(JAVA_BYTE, at + 22, (byte) unusable);
    out.set(JAVA_BYTE, at + 23, (byte) 0);
  }

  private static int u8(MemorySegment in, long at) {
    return in.get(JAVA_BYTE, at) & 0xff;
  }
}
