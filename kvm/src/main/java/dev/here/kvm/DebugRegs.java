package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/** A vCPU's debug registers (struct kvm_debugregs). */
public record DebugRegs(long dr0, long dr1, long dr2, long dr3, long dr6, long dr7) {
  static DebugRegs get(MemorySegment in) {
    return new DebugRegs(
        in.get(JAVA_LONG, 0),
        in.get(JAVA_LONG, 8),
        in.get(JAVA_LONG, 16),
        in.get(JAVA_LONG, 24),
        in.get(JAVA_LONG, 32),
        in.get(JAVA_LONG, 40));
  }

  void put(MemorySegment out) {
    out.asSlice(0, VcpuLayouts.DEBUGREGS.byteSize()).fill((byte) 0);
    out.set(JAVA_LONG, 0, dr0);
    out.set(JAVA_LONG, 8, dr1);
    out.set(JAVA_LONG, 16, dr2);
    out.set(JAVA_LONG, 24, dr3);
    out.set(JAVA_LONG, 32, dr6);
    out.set(JAVA_LONG, 40, dr7);
  }
}
