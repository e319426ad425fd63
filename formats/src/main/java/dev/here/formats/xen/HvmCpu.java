package dev.here.formats.xen;

import dev.here.machine.Bytes;
import dev.here.machine.DebugRegisters;
import dev.here.machine.GeneralRegisters;
import java.util.List;

/**
 * The processor of a vCPU. A vCPU that has not been started has no such record.
 *
 * @param instance vCPU number
 * @param fpu x87 and SSE registers as FXSAVE writes them; all zero without {@link #FPU_INITIALISED}
 * @param general general-purpose registers
 * @param cr0 control register
 * @param cr2 control register
 * @param cr3 control register
 * @param cr4 control register
 * @param debug debug registers
 * @param segments CS, DS, ES, FS, GS, SS, TR, LDTR
 * @param idtrLimit of the IDTR
 * @param idtrBase of the IDTR
 * @param gdtrLimit of the GDTR
 * @param gdtrBase of the GDTR
 * @param msrs those that have a member of their own
 * @param tsc what RDTSC returns when the context is taken
 * @param pendingEvent an event under delivery, as in AMD's EVENTINJ: bits 0-7 vector, 8-10 type, 11
 *     error code valid, 31 valid
 * @param errorCode of that event
 * @param flags see FPU_INITIALISED
 * @param pad0 Xen refuses other than 0
 */
public record HvmCpu(
    int instance,
    Bytes fpu,
    GeneralRegisters general,
    long cr0,
    long cr2,
    long cr3,
    long cr4,
    DebugRegisters debug,
    List<HvmSegment> segments,
    long idtrLimit,
    long idtrBase,
    long gdtrLimit,
    long gdtrBase,
    Msrs msrs,
    long tsc,
    long pendingEvent,
    long errorCode,
    long flags,
    long pad0)
    implements HvmRecord {
  /** Flag: the guest has used its FPU. */
  public static final long FPU_INITIALISED = 1;

  static final HvmLayout LAYOUT =
      HvmLayout.of(
          "hvm_hw_cpu",
          """
          fpu_regs:1*512 rax:8 rbx:8 rcx:8 rdx:8 rbp:8 rsi:8 rdi:8 rsp:8 r8:8 r9:8 r10:8 r11:8
          r12:8 r13:8 r14:8 r15:8 rip:8 rflags:8 cr0:8 cr2:8 cr3:8 cr4:8 dr0:8 dr1:8 dr2:8
          dr3:8 dr6:8 dr7:8 cs_sel:4 ds_sel:4 es_sel:4 fs_sel:4 gs_sel:4 ss_sel:4 tr_sel:4
          ldtr_sel:4 cs_limit:4 ds_limit:4 es_limit:4 fs_limit:4 gs_limit:4 ss_limit:4
          tr_limit:4 ldtr_limit:4 idtr_limit:4 gdtr_limit:4 cs_base:8 ds_base:8 es_base:8
          fs_base:8 gs_base:8 ss_base:8 tr_base:8 ldtr_base:8 idtr_base:8 gdtr_base:8
          cs_arbytes:4 ds_arbytes:4 es_arbytes:4 fs_arbytes:4 gs_arbytes:4 ss_arbytes:4
          tr_arbytes:4 ldtr_arbytes:4 sysenter_cs:8 sysenter_esp:8 sysenter_eip:8 shadow_gs:8
          msr_flags:8 msr_lstar:8 msr_star:8 msr_cstar:8 msr_syscall_mask:8 msr_efer:8
          msr_tsc_aux:8 tsc:8 pending_event:4 error_code:4 flags:4 pad0:4
          """);

  /** Names of the segment registers, in the order of {@link #segments}. */
  static final List<String> SEGMENTS = List.of("cs", "ds", "es", "fs", "gs", "ss", "tr", "ldtr");

  public HvmCpu {
    HvmContext.octets("hvm_hw_cpu.fpu_regs", fpu, 512);
    segments = HvmContext.elements("hvm_hw_cpu segments", segments, SEGMENTS.size());
  }

  /**
   * Model-specific registers.
   *
   * @param sysenterCs 174h
   * @param sysenterEsp 175h
   * @param sysenterEip 176h
   * @param kernelGsBase C0000102h
   * @param obsoleteFlags not used by Xen; kept
   * @param lstar C0000082h
   * @param star C0000081h
   * @param cstar C0000083h
   * @param syscallMask C0000084h
   * @param efer C0000080h
   * @param tscAux C0000103h
   */
  public record Msrs(
      long sysenterCs,
      long sysenterEsp,
      long sysenterEip,
      long kernelGsBase,
      long obsoleteFlags,
      long lstar,
      long star,
      long cstar,
      long syscallMask,
      long efer,
      long tscAux) {
    private static Msrs decode(HvmFields fields) {
      return new Msrs(
          fields.number("sysenter_cs"),
          fields.number("sysenter_esp"),
          fields.number("sysenter_eip"),
          fields.number("shadow_gs"),
          fields.number("msr_flags"),
          fields.number("msr_lstar"),
          fields.number("msr_star"),
          fields.number("msr_cstar"),
          fields.number("msr_syscall_mask"),
          fields.number("msr_efer"),
          fields.number("msr_tsc_aux"));
    }

    private void put(HvmFields fields) {
      fields
          .put("sysenter_cs", sysenterCs)
          .put("sysenter_esp", sysenterEsp)
          .put("sysenter_eip", sysenterEip)
          .put("shadow_gs", kernelGsBase)
          .put("msr_flags", obsoleteFlags)
          .put("msr_lstar", lstar)
          .put("msr_star", star)
          .put("msr_cstar", cstar)
          .put("msr_syscall_mask", syscallMask)
          .put("msr_efer", efer)
          .put("msr_tsc_aux", tscAux);
    }
  }

  /** The segment register of a name as in {@link #SEGMENTS}. */
  HvmSegment segment(String name) {
    return segments.get(SEGMENTS.indexOf(name));
  }

  static HvmCpu decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmCpu(
        instance,
        fields.octets("fpu_regs"),
        general(fields),
        fields.number("cr0"),
        fields.number("cr2"),
        fields.number("cr3"),
        fields.number("cr4"),
        new DebugRegisters(
            fields.number("dr0"),
            fields.number("dr1"),
            fields.number("dr2"),
            fields.number("dr3"),
            fields.number("dr6"),
            fields.number("dr7")),
        SEGMENTS.stream().map(name -> segment(fields, name)).toList(),
        fields.number("idtr_limit"),
        fields.number("idtr_base"),
        fields.number("gdtr_limit"),
        fields.number("gdtr_base"),
        Msrs.decode(fields),
        fields.number("tsc"),
        fields.number("pending_event"),
        fields.number("error_code"),
        fields.number("flags"),
        fields.number("pad0"));
  }

  private static GeneralRegisters general(HvmFields fields) {
    return new GeneralRegisters(
        fields.number("rax"),
        fields.number("rbx"),
        fields.number("rcx"),
        fields.number("rdx"),
        fields.number("rsi"),
        fields.number("rdi"),
        fields.number("rsp"),
        fields.number("rbp"),
        fields.number("r8"),
        fields.number("r9"),
        fields.number("r10"),
        fields.number("r11"),
        fields.number("r12"),
        fields.number("r13"),
        fields.number("r14"),
        fields.number("r15"),
        fields.number("rip"),
        fields.number("rflags"));
  }

  private static HvmSegment segment(HvmFields fields, String name) {
    return new HvmSegment(
        fields.number(name + "_sel"),
        fields.number(name + "_limit"),
        fields.number(name + "_base"),
        fields.number(name + "_arbytes"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.CPU;
  }

  @Override
  public byte[] body() {
    HvmFields fields = HvmFields.empty(LAYOUT).put("fpu_regs", fpu);
    putGeneral(fields);
    fields.put("cr0", cr0).put("cr2", cr2).put("cr3", cr3).put("cr4", cr4);
    fields.put("dr0", debug.dr0()).put("dr1", debug.dr1()).put("dr2", debug.dr2());
    fields.put("dr3", debug.dr3()).put("dr6", debug.dr6()).put("dr7", debug.dr7());
    for (int i = 0; i < SEGMENTS.size(); i++) {
      HvmSegment segment = segments.get(i);
      String name = SEGMENTS.get(i);
      fields.put(name + "_sel", segment.selector()).put(name + "_limit", segment.limit());
      fields.put(name + "_base", segment.base()).put(name + "_arbytes", segment.attributes());
    }
    fields.put("idtr_limit", idtrLimit).put("idtr_base", idtrBase);
    fields.put("gdtr_limit", gdtrLimit).put("gdtr_base", gdtrBase);
    msrs.put(fields);
    return fields
        .put("tsc", tsc)
        .put("pending_event", pendingEvent)
        .put("error_code", errorCode)
        .put("flags", flags)
        .put("pad0", pad0)
        .body();
  }

  private void putGeneral(HvmFields fields) {
    fields
        .put("rax", general.rax())
        .put("rbx", general.rbx())
        .put("rcx", general.rcx())
        .put("rdx", general.rdx())
        .put("rbp", general.rbp())
        .put("rsi", general.rsi())
        .put("rdi", general.rdi())
        .put("rsp", general.rsp())
        .put("r8", general.r8())
        .put("r9", general.r9())
        .put("r10", general.r10())
        .put("r11", general.r11())
        .put("r12", general.r12())
        .put("r13", general.r13())
        .put("r14", general.r14())
        .put("r15", general.r15())
        .put("rip", general.rip())
        .put("rflags", general.rflags());
  }
}
