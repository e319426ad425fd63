package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/** A vCPU's general registers (struct kvm_regs), in KVM's order. */
public record KvmRegs(
    long rax,
    long rbx,
    long rcx,
    long rdx,
    long rsi,
    long rdi,
    long rsp,
    long rbp,
    long r8,
    long r9,
    long r10,
    long r11,
    long r12,
    long r13,
    long r14,
    long r15,
    long rip,
    long rflags) {
  /** RFLAGS after reset: only the bit that is always one. */
  public static final long RFLAGS_RESET = 2;

  /** All zero but the instruction pointer and the flags of reset. */
  public static KvmRegs startingAt(long rip) {
    return new KvmRegs(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, rip, RFLAGS_RESET);
  }

  static KvmRegs get(MemorySegment regs) {
    return new KvmRegs(
        regs.get(JAVA_LONG, 0),
        regs.get(JAVA_LONG, 8),
        regs.get(JAVA_LONG, 16),
        regs.get(JAVA_LONG, 24),
        regs.get(JAVA_LONG, 32),
        regs.get(JAVA_LONG, 40),
        regs.get(JAVA_LONG, 48),
        regs.get(JAVA_LONG, 56),
        regs.get(JAVA_LONG, 64),
        regs.get(JAVA_LONG, 72),
        regs.get(JAVA_LONG, 80),
        regs.get(JAVA_LONG, 88),
        regs.get(JAVA_LONG, 96),
        regs.get(JAVA_LONG, 104),
        regs.get(JAVA_LONG, 112),
        regs.get(JAVA_LONG, 120),
        regs.get(JAVA_LONG, 128),
        regs.get(JAVA_LONG, 136));
  }

  void put(MemorySegment regs) {
    regs.set(JAVA_LONG, 0, rax);
    regs.set(JAVA_LONG, 8, rbx);
    regs.set(JAVA_LONG, 16, rcx);
    regs.set(JAVA_LONG, 24, rdx);
    regs.set(JAVA_LONG, 32, rsi);
    regs.set(JAVA_LONG, 40, rdi);
    regs.set(JAVA_LONG, 48, rsp);
    regs.set(JAVA_LONG, 56, rbp);
    regs.set(JAVA_LONG, 64, r8);
    regs.set(JAVA_LONG, 72, r9);
    regs.set(JAVA_LONG, 80, r10);
    regs.set(JAVA_LONG, 88, r11);
    regs.set(JAVA_LONG, 96, r12);
    regs.set(JAVA_LONG, 104, r13);
    regs.set(JAVA_LONG, 112, r14);
    regs.set(JAVA_LONG, 120, r15);
    regs.set(JAVA_LONG, 128, rip);
    regs.set(JAVA_LONG, 136, rflags);
  }
}
