package dev.here.kvm;

import static dev.here.kvm.CLayout.bytes;
import static dev.here.kvm.CLayout.struct;
import static dev.here.kvm.CLayout.u32;
import static dev.here.kvm.CLayout.u64;
import static dev.here.kvm.CLayout.u8;
import static dev.here.kvm.CLayout.words;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** Smaller structures of a vCPU's state (asm/kvm.h). */
final class VcpuLayouts {
  /** KVM_APIC_REG_SIZE: the first 1 KiB of the LAPIC's register page. */
  static final int LAPIC_BYTES = 0x400;

  /** The legacy size of struct kvm_xsave, on which the ioctl numbers rest. */
  static final int XSAVE_BYTES = 4096;

  static final int MAX_XCRS = 16;

  static final StructLayout XSAVE =
      struct(
          "struct kvm_xsave",
          MemoryLayout.sequenceLayout(XSAVE_BYTES / 4, ValueLayout.JAVA_INT).withName("region"));
  static final StructLayout XCR =
      struct("struct kvm_xcr", u32("xcr"), u32("reserved"), u64("value"));
  static final StructLayout XCRS =
      struct(
          "struct kvm_xcrs",
          u32("nr_xcrs"),
          u32("flags"),
          MemoryLayout.sequenceLayout(MAX_XCRS, XCR).withName("xcrs"),
          words("padding", 16));
  static final StructLayout DEBUGREGS =
      struct(
          "struct kvm_debugregs",
          words("db", 4),
          u64("dr6"),
          u64("dr7"),
          u64("flags"),
          words("reserved", 9));
  static final StructLayout EVENTS =
      struct(
          "struct kvm_vcpu_events",
          MemoryLayout.structLayout(
                  u8("injected"), u8("nr"), u8("has_error_code"), u8("pending"), u32("error_code"))
              .withName("exception"),
          MemoryLayout.structLayout(u8("injected"), u8("nr"), u8("soft"), u8("shadow"))
              .withName("interrupt"),
          MemoryLayout.structLayout(u8("injected"), u8("pending"), u8("masked"), u8("pad"))
              .withName("nmi"),
          u32("sipi_vector"),
          u32("flags"),
          MemoryLayout.structLayout(
                  u8("smm"), u8("pending"), u8("smm_inside_nmi"), u8("latched_init"))
              .withName("smi"),
          MemoryLayout.structLayout(u8("pending")).withName("triple_fault"),
          bytes("reserved", 26),
          u8("exception_has_payload"),
          u64("exception_payload"));

  private VcpuLayouts() {}
}
