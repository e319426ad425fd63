package dev.here.kvm;

import static dev.here.kvm.CLayout.struct;
import static dev.here.kvm.CLayout.u32;
import static dev.here.kvm.CLayout.u64;

import java.lang.foreign.StructLayout;

/** struct kvm_msrs and its entries (asm/kvm.h). */
final class MsrsLayout {
  static final StructLayout HEADER = struct("struct kvm_msrs", u32("nmsrs"), u32("pad"));
  static final StructLayout ENTRY =
      struct("struct kvm_msr_entry", u32("index"), u32("reserved"), u64("data"));

  private MsrsLayout() {}
}
