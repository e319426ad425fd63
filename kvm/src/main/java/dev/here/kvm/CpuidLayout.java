package dev.here.kvm;

import static dev.here.kvm.CLayout.struct;
import static dev.here.kvm.CLayout.u32;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** struct kvm_cpuid2 and its entries (asm/kvm.h). */
final class CpuidLayout {
  static final StructLayout HEADER = struct("struct kvm_cpuid2", u32("nent"), u32("padding"));
  static final StructLayout ENTRY =
      struct(
          "struct kvm_cpuid_entry2",
          u32("function"),
          u32("index"),
          u32("flags"),
          u32("eax"),
          u32("ebx"),
          u32("ecx"),
          u32("edx"),
          MemoryLayout.sequenceLayout(3, ValueLayout.JAVA_INT).withName("padding"));

  private CpuidLayout() {}
}
