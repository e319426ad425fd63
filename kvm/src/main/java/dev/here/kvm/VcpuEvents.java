package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Exceptions, interrupts and NMIs that a vCPU is about to take (struct kvm_vcpu_events).
 *
 * @param flags KVM_VCPUEVENT_VALID_ bits: which parts count
 */
public record VcpuEvents(
    Exception exception,
    Interrupt interrupt,
    Nmi nmi,
    int sipiVector,
    int flags,
    Smi smi,
    boolean tripleFaultPending) {
  public static final int VALID_NMI_PENDING = 1;
  public static final int VALID_SIPI_VECTOR = 2;
  public static final int VALID_SHADOW = 4;
  public static final int VALID_SMM = 8;
  public static final int VALID_PAYLOAD = 16;
  public static final int VALID_TRIPLE_FAULT = 32;

  /**
   * An exception on its way; {@code pending} and the payload count only with {@link
   * KvmVm#enableExceptionPayload}.
   */
  public record Exception(
      boolean injected,
      boolean pending,
      int vector,
      boolean hasErrorCode,
      int errorCode,
      boolean hasPayload,
      long payload) {}

  /**
   * An interrupt on its way.
   *
   * @param shadow KVM_X86_SHADOW_INT_ bits: 1 after MOV SS, 2 after STI
   */
  public record Interrupt(boolean injected, int vector, boolean soft, int shadow) {}

  /** NMIs; {@code masked} until the guest's IRET. */
  public record Nmi(boolean injected, int pending, boolean masked) {}

  /** System management mode, and an INIT that waits for its end. */
  public record Smi(boolean inSmm, boolean pending, boolean insideNmi, boolean latchedInit) {}

  static VcpuEvents get(MemorySegment in) {
    return new VcpuEvents(
        new Exception(
            bool(in, 0),
            bool(in, 3),
            u8(in, 1),
            bool(in, 2),
            in.get(JAVA_INT, 4),
            bool(in, 55),
            in.get(JAVA_LONG_UNALIGNED, 56)),
        new Interrupt(bool(in, 8), u8(in, 9), bool(in, 10), u8(in, 11)),
        new Nmi(bool(in, 12), u8(in, 13), bool(in, 14)),
        in.get(JAVA_INT, 16),
        in.get(JAVA_INT, 20),
        new Smi(bool(in, 24), bool(in, 25), bool(in, 26), bool(in, 27)),
        bool(in, 28));
  }

  void put(MemorySegment out) {
    out.asSlice(0, VcpuLayouts.EVENTS.byteSize()).fill((byte) 0);
    put(out, 0, exception.injected);
    out.set(JAVA_BYTE, 1, (byte) exception.vector);
    put(out, 2, exception.hasErrorCode);
    put(out, 3, exception.pending);
    out.set(JAVA_INT, 4, exception.errorCode);
    put(out, 8, interrupt.injected);
    out.set(JAVA_BYTE, 9, (byte) interrupt.vector);
    put(out, 10, interrupt.soft);
    out.set(JAVA_BYTE, 11, (byte) interrupt.shadow);
    put(out, 12, nmi.injected);
    out.set(JAVA_BYTE, 13, (byte) nmi.pending);
    put(out, 14, nmi.masked);
    out.set(JAVA_INT, 16, sipiVector);
    out.set(JAVA_INT, 20, flags);
    put(out, 24, smi.inSmm);
    put(out, 25, smi.pending);
    put(out, 26, smi.insideNmi);
    put(out, 27, smi.latchedInit);
    put(out, 28, tripleFaultPending);
    put(out, 55, exception.hasPayload);
    out.set(JAVA_LONG_UNALIGNED, 56, exception.payload);
  }

  private static boolean bool(MemorySegment in, long at) {
    return in.get(JAVA_BYTE, at) != 0;
  }

  private static int u8(MemorySegment in, long at) {
    return in.get(JAVA_BYTE, at) & 0xff;
  }

  private static void put(MemorySegment out, long at, boolean value) {
    out.set(JAVA_BYTE, at, (byte) (value ? 1 : 0));
  }
}
