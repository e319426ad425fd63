package dev.here.kvm;

import static dev.here.kvm.CLayout.bytes;
import static dev.here.kvm.CLayout.struct;
import static dev.here.kvm.CLayout.u32;
import static dev.here.kvm.CLayout.u64;
import static dev.here.kvm.CLayout.words;

import java.lang.foreign.StructLayout;

/** Structures of a VM's ioctls (linux/kvm.h). */
final class VmLayouts {
  static final StructLayout MEMORY_REGION =
      struct(
          "struct kvm_userspace_memory_region",
          u32("slot"),
          u32("flags"),
          u64("guest_phys_addr"),
          u64("memory_size"),
          u64("userspace_addr"));
  static final StructLayout DIRTY_LOG =
      struct("struct kvm_dirty_log", u32("slot"), u32("padding1"), u64("dirty_bitmap"));
  static final StructLayout CLEAR_DIRTY_LOG =
      struct(
          "struct kvm_clear_dirty_log",
          u32("slot"),
          u32("num_pages"),
          u64("first_page"),
          u64("dirty_bitmap"));
  static final StructLayout DIRTY_GFN =
      struct("struct kvm_dirty_gfn", u32("flags"), u32("slot"), u64("offset"));
  static final StructLayout ENABLE_CAP =
      struct("struct kvm_enable_cap", u32("cap"), u32("flags"), words("args", 4), bytes("pad", 64));
  static final StructLayout ROUTING_HEADER =
      struct("struct kvm_irq_routing", u32("nr"), u32("flags"));

  /** The first three words of the union serve both entry kinds; see {@link GsiRouting}. */
  static final StructLayout ROUTING_ENTRY =
      struct(
          "struct kvm_irq_routing_entry",
          u32("gsi"),
          u32("type"),
          u32("flags"),
          u32("pad"),
          bytes("u", 32));

  static final StructLayout IRQFD =
      struct(
          "struct kvm_irqfd",
          u32("fd"),
          u32("gsi"),
          u32("flags"),
          u32("resamplefd"),
          bytes("pad", 16));
  static final StructLayout IOEVENTFD =
      struct(
          "struct kvm_ioeventfd",
          u64("datamatch"),
          u64("addr"),
          u32("len"),
          u32("fd"),
          u32("flags"),
          bytes("pad", 36));
  static final StructLayout MSI =
      struct(
          "struct kvm_msi",
          u32("address_lo"),
          u32("address_hi"),
          u32("data"),
          u32("flags"),
          u32("devid"),
          bytes("pad", 12));
  static final StructLayout CLOCK =
      struct(
          "struct kvm_clock_data",
          u64("clock"),
          u32("flags"),
          u32("pad0"),
          u64("realtime"),
          u64("host_tsc"),
          bytes("pad", 16));
  static final StructLayout DEVICE_ATTR =
      struct("struct kvm_device_attr", u32("flags"), u32("group"), u64("attr"), u64("addr"));

  private VmLayouts() {}
}
