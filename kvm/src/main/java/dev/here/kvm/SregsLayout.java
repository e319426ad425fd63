package dev.here.kvm;

import static dev.here.kvm.CLayout.bytes;
import static dev.here.kvm.CLayout.struct;
import static dev.here.kvm.CLayout.u16;
import static dev.here.kvm.CLayout.u32;
import static dev.here.kvm.CLayout.u64;
import static dev.here.kvm.CLayout.u8;
import static dev.here.kvm.CLayout.words;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.util.ArrayList;
import java.util.List;

/** struct kvm_sregs, kvm_sregs2 and their parts (asm/kvm.h). */
final class SregsLayout {
  static final StructLayout SEGMENT =
      struct(
          "struct kvm_segment",
          u64("base"),
          u32("limit"),
          u16("selector"),
          u8("type"),
          u8("present"),
          u8("dpl"),
          u8("db"),
          u8("s"),
          u8("l"),
          u8("g"),
          u8("avl"),
          u8("unusable"),
          u8("padding"));
  static final StructLayout DTABLE =
      struct("struct kvm_dtable", u64("base"), u16("limit"), bytes("padding", 6));

  static final StructLayout SREGS = sregs("struct kvm_sregs", words("interrupt_bitmap", 4));
  static final StructLayout SREGS2 = sregs("struct kvm_sregs2", u64("flags"), words("pdptrs", 4));

  private SregsLayout() {}

  private static StructLayout sregs(String type, MemoryLayout... tail) {
    List<MemoryLayout> members = new ArrayList<>();
    for (String name : new String[] {"cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt"}) {
      members.add(SEGMENT.withName(name));
    }
    members.add(DTABLE.withName("gdt"));
    members.add(DTABLE.withName("idt"));
    for (String name : new String[] {"cr0", "cr2", "cr3", "cr4", "cr8", "efer", "apic_base"}) {
      members.add(u64(name));
    }
    members.addAll(List.of(tail));
    return struct(type, members.toArray(MemoryLayout[]::new));
  }
}
