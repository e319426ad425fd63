package dev.here.kvm;

import static dev.here.kvm.CLayout.struct;
import static dev.here.kvm.CLayout.u64;

import java.lang.foreign.StructLayout;

/** struct kvm_regs (asm/kvm.h). */
final class RegsLayout {
  static final StructLayout LAYOUT =
      struct(
          "struct kvm_regs",
          u64("rax"),
          u64("rbx"),
          u64("rcx"),
          u64("rdx"),
          u64("rsi"),
          u64("rdi"),
          u64("rsp"),
          u64("rbp"),
          u64("r8"),
          u64("r9"),
          u64("r10"),
          u64("r11"),
          u64("r12"),
          u64("r13"),
          u64("r14"),
          u64("r15"),
          u64("rip"),
          u64("rflags"));

  private RegsLayout() {}
}
