package dev.here.vmm;

import dev.here.kvm.CpuidEntry;
import dev.here.kvm.DebugRegs;
import dev.here.kvm.Kvm;
import dev.here.kvm.KvmRegs;
import dev.here.kvm.KvmSegment;
import dev.here.kvm.KvmSregs;
import dev.here.kvm.KvmTable;
import dev.here.kvm.KvmVcpu;
import dev.here.kvm.MpState;
import dev.here.kvm.VcpuEvents;
import dev.here.machine.Bytes;
import dev.here.machine.CpuidLeaf;
import dev.here.machine.DebugRegisters;
import dev.here.machine.DescriptorTable;
import dev.here.machine.GeneralRegisters;
import dev.here.machine.LapicState;
import dev.here.machine.PendingEvents;
import dev.here.machine.RunState;
import dev.here.machine.Segment;
import dev.here.machine.SystemRegisters;
import dev.here.machine.VcpuState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Carries a vCPU's state into KVM and out of it. Order of loading (each step needs the ones before
 * it): CPUID, which decides what the others accept; LAPIC base and system registers; general
 * registers; extended control register before the XSAVE area; debug registers; LAPIC; MSRs with the
 * TSC first and its deadline and the paravirtual ones last ({@link MsrTransfer}); events; run
 * state.
 */
final class VcpuStateTransfer {
  private static final long APIC_BASE_X2APIC = 1 << 10;
  private static final int APIC_ID = 0x20;
  private static final int KVM_SHADOW_MOV_SS = 1;
  private static final int KVM_SHADOW_STI = 2;
  private static final int STATE_SHADOW_STI = 1;
  private static final int STATE_SHADOW_MOV_SS = 2;

  private final MsrTransfer msrs;

  VcpuStateTransfer(Kvm kvm) {
    this.msrs = new MsrTransfer(kvm);
  }

  /**
   * Sets everything.
   *
   * @param tscTicks added to the TSC: what passed since the capture
   * @throws VmmException naming what the host refuses
   */
  void load(KvmVcpu vcpu, VcpuState state, long tscTicks) {
    step(state, "CPUID", () -> vcpu.cpuid(cpuid(state)));
    step(state, "system registers", () -> vcpu.sregs(sregs(state.system())));
    step(state, "general registers", () -> vcpu.regs(regs(state.general())));
    if (state.xcr0() != 0) {
      step(state, "XCR0", () -> vcpu.xcr0(state.xcr0()));
    }
    step(state, "XSAVE area", () -> vcpu.xsave(xsave(state, vcpu.xsaveSizeBytes())));
    step(state, "debug registers", () -> vcpu.debugRegs(debug(state.debug())));
    step(state, "LAPIC", () -> vcpu.lapic(lapic(state)));
    msrs.load(vcpu, state, tscTicks);
    step(state, "events", () -> vcpu.events(events(state.events())));
    step(state, "run state", () -> vcpu.mpState(MpState.valueOf(state.runState().name())));
  }

  private static void step(VcpuState state, String part, Runnable set) {
    try {
      set.run();
    } catch (RuntimeException e) {
      throw new VmmException(
          "vCPU %d: the host does not take its %s: %s"
              .formatted(state.apicId(), part, e.getMessage()),
          e);
    }
  }

  /** Everything, of a vCPU that stands still. */
  VcpuState save(KvmVcpu vcpu) {
    KvmSregs sregs = vcpu.sregs();
    MpState run = vcpu.mpState();
    return new VcpuState(
        vcpu.id(),
        run == MpState.AP_RESET_HOLD ? RunState.HALTED : RunState.valueOf(run.name()),
        general(vcpu.regs()),
        system(sregs),
        Bytes.of(vcpu.xsave()),
        vcpu.xcr0(),
        msrs.save(vcpu),
        new LapicState(Bytes.of(vcpu.lapic())),
        events(vcpu.events()),
        debug(vcpu.debugRegs()),
        vcpu.cpuid().stream().map(VcpuStateTransfer::leaf).toList());
  }

  private static byte[] xsave(VcpuState state, int hostBytes) {
    byte[] area = state.xsave().toArray();
    for (int at = hostBytes; at < area.length; at++) {
      if (area[at] != 0) {
        throw new VmmException(
            "XSAVE area of %d octets, this host's processors have %d"
                .formatted(area.length, hostBytes));
      }
    }
    return area.length <= hostBytes ? area : Arrays.copyOf(area, hostBytes);
  }

  /** In x2APIC mode the id cannot be anything but the vCPU's own. */
  private static byte[] lapic(VcpuState state) {
    byte[] registers = state.lapic().registers().toArray();
    if ((state.system().apicBase() & APIC_BASE_X2APIC) != 0) {
      for (int at = 0; at < 4; at++) {
        registers[APIC_ID + at] = (byte) (state.apicId() >>> at * 8);
      }
    }
    return registers;
  }

  private static List<CpuidEntry> cpuid(VcpuState state) {
    List<CpuidEntry> entries = new ArrayList<>(state.cpuid().size());
    for (CpuidLeaf leaf : state.cpuid()) {
      entries.add(
          new CpuidEntry(
              leaf.leaf(),
              leaf.subleaf(),
              leaf.subleafSignificant() ? CpuidEntry.FLAG_SIGNIFICANT_INDEX : 0,
              leaf.eax(),
              leaf.ebx(),
              leaf.ecx(),
              leaf.edx()));
    }
    return entries;
  }

  static CpuidLeaf leaf(CpuidEntry entry) {
    return new CpuidLeaf(
        entry.function(),
        entry.index(),
        (entry.flags() & CpuidEntry.FLAG_SIGNIFICANT_INDEX) != 0,
        entry.eax(),
        entry.ebx(),
        entry.ecx(),
        entry.edx());
  }

  private static KvmRegs regs(GeneralRegisters r) {
    return new KvmRegs(
        r.rax(),
        r.rbx(),
        r.rcx(),
        r.rdx(),
        r.rsi(),
        r.rdi(),
        r.rsp(),
        r.rbp(),
        r.r8(),
        r.r9(),
        r.r10(),
        r.r11(),
        r.r12(),
        r.r13(),
        r.r14(),
        r.r15(),
        r.rip(),
        r.rflags());
  }

  private static GeneralRegisters general(KvmRegs r) {
    return new GeneralRegisters(
        r.rax(),
        r.rbx(),
        r.rcx(),
        r.rdx(),
        r.rsi(),
        r.rdi(),
        r.rsp(),
        r.rbp(),
        r.r8(),
        r.r9(),
        r.r10(),
        r.r11(),
        r.r12(),
        r.r13(),
        r.r14(),
        r.r15(),
        r.rip(),
        r.rflags());
  }

  private static KvmSregs sregs(SystemRegisters s) {
    return new KvmSregs(
        segment(s.cs()),
        segment(s.ds()),
        segment(s.es()),
        segment(s.fs()),
        segment(s.gs()),
        segment(s.ss()),
        segment(s.tr()),
        segment(s.ldt()),
        new KvmTable(s.gdt().base(), s.gdt().limit()),
        new KvmTable(s.idt().base(), s.idt().limit()),
        s.cr0(),
        s.cr2(),
        s.cr3(),
        s.cr4(),
        s.cr8(),
        s.efer(),
        s.apicBase(),
        List.of());
  }

  private static SystemRegisters system(KvmSregs s) {
    return new SystemRegisters(
        segment(s.cs()),
        segment(s.ds()),
        segment(s.es()),
        segment(s.fs()),
        segment(s.gs()),
        segment(s.ss()),
        segment(s.tr()),
        segment(s.ldt()),
        new DescriptorTable(s.gdt().base(), s.gdt().limit()),
        new DescriptorTable(s.idt().base(), s.idt().limit()),
        s.cr0(),
        s.cr2(),
        s.cr3(),
        s.cr4(),
        s.cr8(),
        s.efer(),
        s.apicBase());
  }

  private static KvmSegment segment(Segment s) {
    return new KvmSegment(
        s.base(),
        (int) s.limit(),
        s.selector(),
        s.type(),
        bit(s.present()),
        s.dpl(),
        bit(s.defaultBig()),
        bit(s.codeOrData()),
        bit(s.longMode()),
        bit(s.granularity()),
        bit(s.available()),
        bit(s.unusable()));
  }

  private static Segment segment(KvmSegment s) {
    return new Segment(
        s.selector(),
        s.base(),
        Integer.toUnsignedLong(s.limit()),
        s.type(),
        s.dpl(),
        s.s() != 0,
        s.present() != 0,
        s.avl() != 0,
        s.l() != 0,
        s.db() != 0,
        s.g() != 0,
        s.unusable() != 0);
  }

  private static int bit(boolean set) {
    return set ? 1 : 0;
  }

  private static DebugRegs debug(DebugRegisters d) {
    return new DebugRegs(d.dr0(), d.dr1(), d.dr2(), d.dr3(), d.dr6(), d.dr7());
  }

  private static DebugRegisters debug(DebugRegs d) {
    return new DebugRegisters(d.dr0(), d.dr1(), d.dr2(), d.dr3(), d.dr6(), d.dr7());
  }

  private static VcpuEvents events(PendingEvents e) {
    int shadow =
        ((e.interruptShadow() & STATE_SHADOW_STI) != 0 ? KVM_SHADOW_STI : 0)
            | ((e.interruptShadow() & STATE_SHADOW_MOV_SS) != 0 ? KVM_SHADOW_MOV_SS : 0);
    int flags =
        VcpuEvents.VALID_NMI_PENDING
            | VcpuEvents.VALID_SIPI_VECTOR
            | VcpuEvents.VALID_SHADOW
            | VcpuEvents.VALID_PAYLOAD
            | (e.smm() ? VcpuEvents.VALID_SMM : 0);
    return new VcpuEvents(
        new VcpuEvents.Exception(
            e.exceptionInjected(),
            e.exceptionPending(),
            e.exceptionVector(),
            e.exceptionHasErrorCode(),
            e.exceptionErrorCode(),
            e.exceptionHasPayload(),
            e.exceptionPayload()),
        new VcpuEvents.Interrupt(
            e.interruptInjected(), e.interruptVector(), e.interruptSoft(), shadow),
        new VcpuEvents.Nmi(e.nmiInjected(), e.nmiPending() ? 1 : 0, e.nmiMasked()),
        e.sipiVector(),
        flags,
        new VcpuEvents.Smi(e.smm(), false, false, false),
        false);
  }

  private static PendingEvents events(VcpuEvents e) {
    int shadow =
        ((e.interrupt().shadow() & KVM_SHADOW_STI) != 0 ? STATE_SHADOW_STI : 0)
            | ((e.interrupt().shadow() & KVM_SHADOW_MOV_SS) != 0 ? STATE_SHADOW_MOV_SS : 0);
    return new PendingEvents(
        e.exception().injected(),
        e.exception().vector(),
        e.exception().hasErrorCode(),
        e.exception().errorCode(),
        e.exception().pending(),
        e.exception().hasPayload(),
        e.exception().payload(),
        e.interrupt().injected(),
        e.interrupt().vector(),
        e.interrupt().soft(),
        shadow,
        e.nmi().injected(),
        e.nmi().pending() != 0,
        e.nmi().masked(),
        e.sipiVector() & 0xff,
        e.smi().inSmm());
  }
}
