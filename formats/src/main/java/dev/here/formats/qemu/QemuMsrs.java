package dev.here.formats.qemu;

import dev.here.machine.Msr;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The model-specific registers of a vCPU, from the fields of its {@code cpu} section. Indices:
 * AMD64 APM volume 2 appendix A, Intel SDM volume 4, Linux' Documentation/virt/kvm/x86/msr.rst. The
 * EFER and APIC base registers stand with the system registers, FS and GS base with the segments.
 */
final class QemuMsrs {
  private static final int TSC = 0x10;

  private static final Map<String, Integer> ALWAYS =
      Map.ofEntries(
          Map.entry("env.tsc", TSC),
          Map.entry("env.sysenter_cs", 0x174),
          Map.entry("env.sysenter_esp", 0x175),
          Map.entry("env.sysenter_eip", 0x176),
          Map.entry("env.pat", 0x277),
          Map.entry("env.mtrr_deftype", 0x2ff),
          Map.entry("env.star", 0xc0000081),
          Map.entry("env.lstar", 0xc0000082),
          Map.entry("env.cstar", 0xc0000083),
          Map.entry("env.fmask", 0xc0000084),
          Map.entry("env.kernelgsbase", 0xc0000102),
          Map.entry("env.wall_clock_msr", 0x4b564d00),
          Map.entry("env.system_time_msr", 0x4b564d01));

  /**
   * Registers that are sent only when they are not zero.
   *
   * @param always the register exists on every KVM guest, so that its zero is said too and what an
   *     earlier state left in a vCPU does not stay
   */
  private record Optionally(String subsection, String field, int index, boolean always) {
    Optionally(String subsection, String field, int index) {
      this(subsection, field, index, false);
    }
  }

  private static final List<Optionally> SOMETIMES =
      List.of(
          new Optionally("cpu/msr_smi_count", "env.msr_smi_count", 0x34),
          new Optionally("cpu/msr_ia32_feature_control", "env.msr_ia32_feature_control", 0x3a),
          new Optionally("cpu/msr_tsc_adjust", "env.tsc_adjust", 0x3b, true),
          new Optionally("cpu/spec_ctrl", "env.spec_ctrl", 0x48),
          new Optionally("cpu/umwait", "env.umwait", 0xe1),
          new Optionally("cpu/msr_tsx_ctrl", "env.tsx_ctrl", 0x122),
          new Optionally("cpu/msr_xfd", "env.msr_xfd", 0x1c4),
          new Optionally("cpu/msr_xfd", "env.msr_xfd_err", 0x1c5),
          new Optionally("cpu/mcg_ext_ctl", "env.mcg_ext_ctl", 0x4d0),
          new Optionally("cpu/msr_tscdeadline", "env.tsc_deadline", 0x6e0, true),
          new Optionally("cpu/pkrs", "env.pkrs", 0x6e1),
          new Optionally("cpu/mpx", "env.msr_bndcfgs", 0xd90),
          new Optionally("cpu/xss", "env.xss", 0xda0),
          new Optionally("cpu/async_pf_msr", "env.async_pf_en_msr", 0x4b564d02, true),
          new Optionally("cpu/steal_time_msr", "env.steal_time_msr", 0x4b564d03, true),
          new Optionally("cpu/async_pv_eoi_msr", "env.pv_eoi_en_msr", 0x4b564d04, true),
          new Optionally("cpu/async_pf_int_msr", "env.async_pf_int_msr", 0x4b564d06, true),
          new Optionally("cpu/amd_tsc_scale_msr", "env.amd_tsc_scale_msr", 0xc0000104),
          new Optionally("cpu/virt_ssbd", "env.virt_ssbd", 0xc001011f));

  private static final int TSC_AUX = 0xc0000103;
  private static final int VM_HSAVE_PA = 0xc0010117;
  private static final int POLL_CONTROL = 0x4b564d05;
  private static final int MISC_ENABLE = 0x1a0;
  private static final int MCG_CAP = 0x179;
  private static final int MCE_BANKS = 10;
  private static final int[] MTRR_FIXED = {
    0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f
  };

  private QemuMsrs() {}

  /**
   * The registers by rising index.
   *
   * @param tsc the time-stamp counter that replaces the one sent
   * @param physicalBits width of the guest's physical addresses: QEMU sets the bits above it in the
   *     masks of variable MTRRs, which the guest doesn't see and KVM refuses
   */
  static List<Msr> of(VmStruct cpu, Optional<Long> tsc, int physicalBits) {
    var msrs = new TreeMap<Integer, Long>(Integer::compareUnsigned);
    ALWAYS.forEach((field, index) -> msrs.put(index, cpu.number(field)));
    for (Optionally msr : SOMETIMES) {
      Optional<VmStruct> part = cpu.subsection(msr.subsection());
      if (part.isPresent() || msr.always()) {
        msrs.put(msr.index(), part.map(sent -> sent.number(msr.field())).orElse(0L));
      }
    }
    whereTheProcessorHasThem(cpu, msrs);
    msrs.put(
        POLL_CONTROL,
        cpu.subsection("cpu/poll_control_msr")
            .map(part -> part.number("env.poll_control_msr"))
            .orElse(1L));
    msrs.put(
        MISC_ENABLE,
        cpu.subsection("cpu/msr_ia32_misc_enable")
            .map(part -> part.number("env.msr_ia32_misc_enable"))
            .orElse(1L));
    memoryTypes(cpu, msrs, -1L >>> 64 - physicalBits);
    machineCheck(cpu, msrs);
    performance(cpu, msrs);
    tsc.ifPresent(value -> msrs.put(TSC, value));
    return msrs.entrySet().stream().map(msr -> new Msr(msr.getKey(), msr.getValue())).toList();
  }

  /** QEMU sends these always; a processor without them refuses even a zero. */
  private static void whereTheProcessorHasThem(VmStruct cpu, Map<Integer, Long> msrs) {
    long auxiliary = cpu.number("env.tsc_aux");
    if (auxiliary != 0) {
      msrs.put(TSC_AUX, auxiliary);
    }
    long hostSave = cpu.number("env.vm_hsave");
    if (hostSave != 0) {
      msrs.put(VM_HSAVE_PA, hostSave);
    }
  }

  private static void memoryTypes(VmStruct cpu, Map<Integer, Long> msrs, long physicalMask) {
    long[] fixed = cpu.numbers("env.mtrr_fixed", MTRR_FIXED.length);
    for (int i = 0; i < fixed.length; i++) {
      msrs.put(MTRR_FIXED[i], fixed[i]);
    }
    List<VmStruct> variable = cpu.structs("env.mtrr_var", 8);
    for (int i = 0; i < variable.size(); i++) {
      msrs.put(0x200 + 2 * i, variable.get(i).number("base"));
      msrs.put(0x201 + 2 * i, variable.get(i).number("mask") & physicalMask);
    }
  }

  private static void machineCheck(VmStruct cpu, Map<Integer, Long> msrs) {
    long capabilities = cpu.number("env.mcg_cap");
    long[] banks = cpu.numbers("env.mce_banks", 4 * MCE_BANKS);
    long control = cpu.number("env.mcg_ctl");
    long status = cpu.number("env.mcg_status");
    if (capabilities == 0) {
      return;
    }
    msrs.put(MCG_CAP, capabilities);
    msrs.put(0x17a, status);
    msrs.put(0x17b, control);
    int count = 4 * (int) Math.min(capabilities & 0xff, MCE_BANKS);
    for (int i = 0; i < count; i++) {
      msrs.put(0x400 + i, banks[i]);
    }
  }

  private static void performance(VmStruct cpu, Map<Integer, Long> msrs) {
    cpu.subsection("cpu/msr_architectural_pmu")
        .ifPresent(pmu -> {
          msrs.put(0x38d, pmu.number("env.msr_fixed_ctr_ctrl"));
          msrs.put(0x38f, pmu.number("env.msr_global_ctrl"));
          msrs.put(0x38e, pmu.number("env.msr_global_status"));
          msrs.put(0x390, pmu.number("env.msr_global_ovf_ctrl"));
          nonZero(msrs, 0x309, pmu.numbers("env.msr_fixed_counters"));
          nonZero(msrs, 0xc1, pmu.numbers("env.msr_gp_counters"));
          nonZero(msrs, 0x186, pmu.numbers("env.msr_gp_evtsel"));
        });
  }

  private static void nonZero(Map<Integer, Long> msrs, int first, long[] values) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] != 0) {
        msrs.put(first + i, values[i]);
      }
    }
  }
}
