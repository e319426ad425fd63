package dev.here.formats.qemu;

import dev.here.machine.LostField;
import dev.here.machine.TranslationReport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Collects what a translation could not carry. */
final class Losses {
  private static final int MAX_SHOWN_OCTETS = 16;

  /**
   * Values that need no carrying: QEMU's own bookkeeping, copies of what stands elsewhere, what
   * follows from it, and registers of absent media. Structure's name and field's name
   * (docs/specs/qemu-vmstate.md, "What is left out").
   */
  private static final Set<String> NEEDLESS =
      Set.of(
          "timer/cpu_ticks_offset",
          "cpu_common/halted",
          "cpu_common/interrupt_request",
          "cpu/env.hflags2",
          "cpu/env.a20_mask",
          "cpu/env.smbase",
          "cpu/env.v_tpr",
          "cpu/env.tsc_offset",
          "apic/arb_id",
          "apic/count_shift",
          "apic/next_time",
          "apic/timer_expiry",
          "kvm-tpr-opt/rom_state",
          "kvm-tpr-opt/rom_state_vaddr",
          "kvmclock/clock_is_reliable/clock_is_reliable",
          "fw_cfg/acpi_mr/table_mr_size",
          "fw_cfg/acpi_mr/linker_mr_size",
          "fw_cfg/acpi_mr/rsdp_mr_size",
          "PCIBUS/nirq",
          "PCIBUS/irq_count",
          "PCIDevice/version_id",
          "PIIX3/pci_irq_levels_vmstate",
          "pit channel/next_transition_time",
          "i8254/channels[0].next_transition_time",
          "hpet/num_timers",
          "hpet/offset/hpet_offset",
          "hpet_timer/tn",
          "hpet_timer/qemu_timer",
          "hpet_timer/wrap_flag",
          "mc146818rtc/update_timer",
          "mc146818rtc/next_alarm_time",
          "mc146818rtc/next_periodic_time",
          "mc146818rtc/period",
          "piix4_pm/ar.tmr.timer",
          "piix4_pm/ar.tmr.overflow_time",
          "acpi_build/patched",
          "globalstate/size",
          "globalstate/runstate",
          "vga/is_vbe_vmstate",
          "vga/bank_offset",
          "vga/vbe_start_addr",
          "vga/vbe_line_offset",
          "vga/vbe_bank_mask",
          "fdc/num_floppies",
          "dma/dshift",
          "vmmouse/queue_size",
          "vmmouse/absolute",
          "ide_drive/identify_set",
          "ide_drive/mult_sectors",
          "pckbd/extended_state/migration_flags",
          "pckbd/extended_state/cbdata",
          "pckbd/extended_state/obsrc",
          "apic/dest_mode",
          "cpu/tsc_khz/env.tsc_khz",
          "vga/dac_cache",
          "parallel_isa/state.datar",
          "fdc/config",
          "fdrive/sect",
          "ps2kbd/translate",
          "vmmouse/status",
          "ide bmdma/migration_retry_sector_num",
          "ide bmdma/migration_retry_nsector",
          "ide_drive/hob_sector",
          "ide_drive/hob_nsector",
          "ide_drive/hob_lcyl",
          "ide_drive/hob_hcyl",
          "ide_drive/cdrom_changed",
          "i2c_bus/saved_address",
          "pmsmb/smb_auxctl",
          "pmsmb/op_done",
          "virtio_pci/modern_queue_state/num",
          "virtio_pci/modern_queue_state/desc",
          "virtio_pci/modern_queue_state/avail",
          "virtio_pci/modern_queue_state/used",
          "virtio/guest_features_lo",
          "virtio/started/started",
          "request/element",
          "virtio-net-device/has_vnet_hdr",
          "virtio-net-device/has_ufo",
          "virtio-net-device/mergeable_rx_bufs",
          "virtio-net-device/tx_waiting");

  private final List<LostField> lost = new ArrayList<>();

  void add(String path, long value, String reason) {
    lost.add(new LostField(path, RamPages.hex(value), reason));
  }

  /** Adds every value of a state that nobody has looked at, that is not zero and matters. */
  void addUnread(VmState state) {
    addUnread(state, Set.of());
  }

  /** The same, without the sections of the names {@code apart}. */
  void addUnread(VmState state, Set<String> apart) {
    for (VmState.Section section : state.sections()) {
      if (!apart.contains(section.name())) {
        addUnread(section.content());
      }
    }
  }

  private void addUnread(VmStruct struct) {
    if (struct.isZero()) {
      return;
    }
    for (Map.Entry<String, VmValue> field : struct.fields().entrySet()) {
      VmValue value = field.getValue();
      if (value.isZero() || needless(struct, field.getKey())) {
        continue;
      }
      switch (value) {
        case VmValue.Nested nested -> addUnread(nested.struct());
        case VmValue.Structs structs -> structs.elements().forEach(this::addUnread);
        default -> {
          if (!struct.wasRead(field.getKey())) {
            lost.add(new LostField(struct.path(field.getKey()), shown(value), "has no place"));
          }
        }
      }
    }
    struct.subsections().values().forEach(this::addUnread);
  }

  private static boolean needless(VmStruct struct, String name) {
    return name.startsWith("unused") || NEEDLESS.contains(struct.vmsdName() + "/" + name);
  }

  private static String shown(VmValue value) {
    return switch (value) {
      case VmValue.Scalar scalar -> RamPages.hex(scalar.value());
      case VmValue.Scalars scalars -> {
        long[] first = Arrays.copyOf(scalars.values(), Math.min(scalars.values().length, 8));
        yield Arrays.stream(first).mapToObj(RamPages::hex).toList().toString();
      }
      case VmValue.Octets octets -> {
        int length = Math.min(octets.bytes().length, MAX_SHOWN_OCTETS);
        yield HexFormat.of().formatHex(octets.bytes(), 0, length)
            + (length < octets.bytes().length ? "..." : "");
      }
      case VmValue.Nested nested -> nested.struct().vmsdName();
      case VmValue.Structs structs -> structs.elements().size() + " structures";
    };
  }

  TranslationReport report() {
    return new TranslationReport(lost);
  }
}
