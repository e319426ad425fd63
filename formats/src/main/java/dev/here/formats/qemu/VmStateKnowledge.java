package dev.here.formats.qemu;

import dev.here.formats.qemu.VmStateSchema.Field;
import dev.here.formats.qemu.VmStateSchema.Layout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a description can't say: parts that come and go while the guest runs, so that they may be
 * absent when QEMU describes its state and present in a later checkpoint (or the other way round).
 * Facts: the VMStateDescriptions with a {@code needed} test in QEMU 7.2's target/i386/machine.c,
 * hw/timer, hw/rtc, hw/char, hw/input, hw/ide, hw/block/fdc.c, hw/isa, hw/intc, hw/core/cpu-sysemu
 * and hw/virtio.
 */
final class VmStateKnowledge {
  /**
   * One structure a line: name, version, then fields as name:type or name:type*count; a type that
   * begins with @ is a structure listed before.
   */
  private static final String PARTS =
      """
      cpu/exception_info 1 env.exception_pending:uint8 env.exception_injected:uint8 \
      env.exception_has_payload:uint8 env.exception_payload:uint64
      cpu/async_pf_msr 1 env.async_pf_en_msr:uint64
      cpu/async_pf_int_msr 1 env.async_pf_int_msr:uint64
      cpu/async_pv_eoi_msr 1 env.pv_eoi_en_msr:uint64
      cpu/steal_time_msr 1 env.steal_time_msr:uint64
      cpu/poll_control_msr 1 env.poll_control_msr:uint64
      cpu/fpop_ip_dp 1 env.fpop:uint16 env.fpip:uint64 env.fpdp:uint64
      cpu/msr_tsc_adjust 1 env.tsc_adjust:uint64
      cpu/msr_tscdeadline 1 env.tsc_deadline:uint64
      cpu/msr_ia32_misc_enable 1 env.msr_ia32_misc_enable:uint64
      cpu/msr_ia32_feature_control 1 env.msr_ia32_feature_control:uint64
      cpu/msr_architectural_pmu 1 env.msr_fixed_ctr_ctrl:uint64 env.msr_global_ctrl:uint64 \
      env.msr_global_status:uint64 env.msr_global_ovf_ctrl:uint64 \
      env.msr_fixed_counters:uint64*3 env.msr_gp_counters:uint64*18 env.msr_gp_evtsel:uint64*18
      bnd_regs 1 lb:uint64 ub:uint64
      cpu/mpx 1 env.bnd_regs:@bnd_regs*4 env.bndcs_regs.cfgu:uint64 env.bndcs_regs.sts:uint64 \
      env.msr_bndcfgs:uint64
      zmmh_reg 1 _q_ZMMReg[4]:uint64 _q_ZMMReg[5]:uint64 _q_ZMMReg[6]:uint64 _q_ZMMReg[7]:uint64
      hi16_zmm_reg 1 _q_ZMMReg[0]:uint64 _q_ZMMReg[1]:uint64 _q_ZMMReg[2]:uint64 \
      _q_ZMMReg[3]:uint64 _q_ZMMReg[4]:uint64 _q_ZMMReg[5]:uint64 _q_ZMMReg[6]:uint64 \
      _q_ZMMReg[7]:uint64
      cpu/avx512 1 env.opmask_regs:uint64*8 env.xmm_regs[0]:@zmmh_reg*16 \
      env.xmm_regs[16]:@hi16_zmm_reg*16
      cpu/xss 1 env.xss:uint64
      cpu/umwait 1 env.umwait:uint32
      cpu/pkru 1 env.pkru:uint32
      cpu/pkrs 1 env.pkrs:uint32
      cpu/tsc_khz 1 env.tsc_khz:int64
      cpu/msr_smi_count 1 env.msr_smi_count:uint64
      cpu/mcg_ext_ctl 1 env.mcg_ext_ctl:uint64
      cpu/spec_ctrl 1 env.spec_ctrl:uint64
      cpu/amd_tsc_scale_msr 1 env.amd_tsc_scale_msr:uint64
      cpu/virt_ssbd 1 env.virt_ssbd:uint64
      cpu/msr_tsx_ctrl 1 env.tsx_ctrl:uint32
      cpu/msr_xfd 1 env.msr_xfd:uint64 env.msr_xfd_err:uint64
      cpu/pdptrs 1 env.pdptrs:uint64*4
      cpu/triple_fault 1 env.triple_fault_pending:uint8
      cpu_common/exception_index 1 exception_index:int32
      cpu_common/crash_occurred 1 crash_occurred:bool
      apic_sipi 1 sipi_vector:int32 wait_for_sipi:int32
      hpet/rtc_irq_level 1 rtc_irq_level:uint8
      hpet/offset 1 hpet_offset:uint64
      mc146818rtc/irq_reinject_on_ack 1 irq_reinject_on_ack_count:uint16
      Fifo8 1 data:buffer*16 head:uint32 num:uint32
      serial/thr_ipending 1 thr_ipending:int32
      serial/tsr 1 tsr_retry:uint32 thr:uint8 tsr:uint8
      serial/recv_fifo 1 recv_fifo:@Fifo8
      serial/xmit_fifo 1 xmit_fifo:@Fifo8
      serial/fifo_timeout_timer 1 fifo_timeout_timer:timer
      serial/timeout_ipending 1 timeout_ipending:int32
      serial/poll 1 poll_msl:int32 modem_status_poll:timer
      pckbd_outport 1 outport:uint8
      pckbd/extended_state 0 migration_flags:uint32 obsrc:uint32 obdata:uint8 cbdata:uint8
      ps2kbd/ledstate 3 ledstate:int32
      ps2kbd/need_high_bit 1 need_high_bit:bool
      ps2kbd/command_reply_queue 0 parent_obj.queue.cwptr:int32
      ps2mouse/command_reply_queue 0 parent_obj.queue.cwptr:int32
      ide_drive/atapi/gesn_state 1 events.new_media:bool events.eject_request:bool
      ide_drive/tray_state 1 tray_open:bool tray_locked:bool
      ide_drive/pio_state 1 req_nb_sectors:int32 io_buffer:buffer*131076 \
      cur_io_buffer_offset:int32 cur_io_buffer_len:int32 end_transfer_fn_idx:uint8 \
      elementary_transfer_size:int32 packet_transfer_size:int32
      ide_bus/error 2 error_status:int32 retry_sector_num:int64 retry_nsector:uint32 \
      retry_unit:uint8
      ide\u00a0bmdma/current 1 cur_addr:uint32 cur_prd_last:uint32 cur_prd_addr:uint32 \
      cur_prd_len:uint32
      ide\u00a0bmdma/status 1 status:uint8
      fdrive/media_changed 1 media_changed:uint8
      fdrive/media_rate 1 media_rate:uint8
      fdrive/perpendicular 1 perpendicular:uint8
      fdc/reset_sensei 1 reset_sensei:int32
      fdc/result_timer 1 result_timer:timer
      fdc/phase 1 phase:uint8
      PIIX3/rcr 1 rcr:uint8
      virtio/device_endian 1 device_endian:uint8
      virtio/64bit_features 1 guest_features:uint64
      virtqueue_state 1 vring.avail:uint64 vring.used:uint64
      virtio/virtqueues 1 vq:@virtqueue_state*1024
      ringsize_state 1 vring.num_default:uint32
      virtio/ringsize 1 vq:@ringsize_state*1024
      virtio/broken 1 broken:bool
      virtio/started 1 started:bool
      virtio/disabled 1 disabled:bool
      virtio_pci/modern_queue_state 1 num:uint16 unused:buffer*1 enabled:bool desc:uint32*2 \
      avail:uint32*2 used:uint32*2
      virtio_pci/modern_state 1 dfselect:uint32 gfselect:uint32 guest_features:uint32*2 \
      vqs:@virtio_pci/modern_queue_state*1024
      virtio_pci 1
      virtio/extra_state 1 extra_state:@virtio_pci
      """;

  private static final Map<String, Layout> KNOWN = parse();

  private VmStateKnowledge() {}

  /** Whether an ATAPI or ATA drive's identification is in the stream, which a field before says. */
  private static final String IDENTIFY = "identify_data";

  private static final Field IDENTIFY_DATA =
      new Field(IDENTIFY, "buffer", 512, 1, false, -1, Optional.empty());

  /** The structure of a known name. */
  static Layout known(String name) {
    Layout layout = KNOWN.get(name);
    if (layout == null) {
      throw new IllegalArgumentException(name);
    }
    return layout;
  }

  /** The fields that a structure can have, whether or not they were there when it was described. */
  static List<Field> fields(Layout layout) {
    if (!layout.vmsdName().equals("ide_drive")) {
      return layout.fields();
    }
    var fields = new ArrayList<Field>();
    for (Field field : layout.fields()) {
      if (!field.name().equals(IDENTIFY)) {
        fields.add(field);
      }
      if (field.name().equals("identify_set")) {
        fields.add(IDENTIFY_DATA);
      }
    }
    return fields;
  }

  /** Whether a field is there, by the values that came before it. */
  static boolean present(Layout layout, Field field, VmStruct before) {
    return !layout.vmsdName().equals("ide_drive")
        || !field.name().equals(IDENTIFY)
        || before.flag("identify_set");
  }

  /** Interrupts of a PCI bus: 4 on a PC, 128 under Xen. */
  private static final int MAX_BUS_INTERRUPTS = 1024;

  /** The field with as many elements as a value before it says, where the machine decides. */
  static Field counted(Layout layout, Field field, VmStruct before) {
    if (!layout.vmsdName().equals("PCIBUS") || !field.array()) {
      return field;
    }
    int count = before.number("nirq", 0, MAX_BUS_INTERRUPTS);
    return new Field(
        field.name(), field.type(), field.sizeBytes(), count, true, -1, field.struct());
  }

  /** The layout of a structure's subsection: as described, else as known. */
  static Optional<Layout> subsection(Layout layout, String name) {
    for (Layout described : layout.subsections()) {
      if (described.vmsdName().equals(name)) {
        return Optional.of(described);
      }
    }
    return Optional.ofNullable(KNOWN.get(name));
  }

  private static Map<String, Layout> parse() {
    var known = new HashMap<String, Layout>();
    for (String line : PARTS.lines().toList()) {
      String[] words = line.split(" ");
      var fields = new ArrayList<Field>();
      for (int i = 2; i < words.length; i++) {
        fields.add(field(words[i], known));
      }
      String name = words[0].replace('\u00a0', ' ');
      known.put(name, new Layout(name, Long.parseLong(words[1]), List.copyOf(fields), List.of()));
    }
    return Map.copyOf(known);
  }

  private static Field field(String word, Map<String, Layout> known) {
    int colon = word.indexOf(':');
    int star = word.indexOf('*');
    String type = word.substring(colon + 1, star < 0 ? word.length() : star);
    int count = star < 0 ? 1 : Integer.parseInt(word.substring(star + 1));
    Optional<Layout> struct =
        type.startsWith("@") ? Optional.ofNullable(known.get(type.substring(1))) : Optional.empty();
    boolean buffer = type.equals("buffer");
    return new Field(
        word.substring(0, colon),
        struct.isPresent() ? "struct" : type,
        buffer ? count : size(type),
        buffer ? 1 : count,
        !buffer && star >= 0,
        -1,
        struct);
  }

  private static int size(String type) {
    return switch (type) {
      case "uint8", "bool" -> 1;
      case "uint16" -> 2;
      case "uint32", "int32" -> 4;
      default -> 8;
    };
  }
}
