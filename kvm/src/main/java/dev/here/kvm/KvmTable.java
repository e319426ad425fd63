package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * GDTR or IDTR (struct kvm_dtable).
 *
 * @param limit last valid byte, 16 bits
 */
public record KvmTable(long base, int limit) {
  static KvmTable get(MemorySegment in, long at) {
    return new KvmTable(in.get(JAVA_LONG, at), in.get(JAVA_SHORT, at + 8) & 0xffff);
  }

  void put(MemorySegment out, long at) {
    out.set(JAVA_LONG, at, base);
    out.set(JAVA_LONG, at + 8, limit & 0xffffL);
  }
}
