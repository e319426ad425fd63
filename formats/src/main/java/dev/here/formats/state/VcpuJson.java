package dev.here.formats.state;

import dev.here.machine.CpuidLeaf;
import dev.here.machine.DebugRegisters;
import dev.here.machine.DescriptorTable;
import dev.here.machine.GeneralRegisters;
import dev.here.machine.LapicState;
import dev.here.machine.Msr;
import dev.here.machine.PendingEvents;
import dev.here.machine.RunState;
import dev.here.machine.Segment;
import dev.here.machine.SystemRegisters;
import dev.here.machine.VcpuState;

/** One virtual processor. */
final class VcpuJson {
  private static final RunState[] RUN_STATES = RunState.values();

  static final RecordJson<VcpuState> VCPU =
      new RecordJson<>() {
        @Override
        public void write(VcpuState vcpu, StateWriter out) {
          out.int32("apicId", vcpu.apicId());
          out.constant("runState", vcpu.runState());
          out.object("general", vcpu.general(), GENERAL);
          out.object("system", vcpu.system(), SYSTEM);
          out.octets("xsave", vcpu.xsave());
          out.int64("xcr0", vcpu.xcr0());
          out.list("msrs", vcpu.msrs(), MSR);
          out.object("lapic", vcpu.lapic(), LAPIC);
          out.object("events", vcpu.events(), EVENTS);
          out.object("debug", vcpu.debug(), DEBUG);
          out.list("cpuid", vcpu.cpuid(), CPUID_LEAF);
        }

        @Override
        public VcpuState read(StateReader in) {
          return new VcpuState(
              in.int32("apicId"),
              in.constant("runState", RUN_STATES),
              in.object("general", GENERAL),
              in.object("system", SYSTEM),
              in.octets("xsave"),
              in.int64("xcr0"),
              in.list("msrs", MSR),
              in.object("lapic", LAPIC),
              in.object("events", EVENTS),
              in.object("debug", DEBUG),
              in.list("cpuid", CPUID_LEAF));
        }
      };

  private static final RecordJson<GeneralRegisters> GENERAL =
      new RecordJson<>() {
        @Override
        public void write(GeneralRegisters general, StateWriter out) {
          out.int64("rax", general.rax());
          out.int64("rbx", general.rbx());
          out.int64("rcx", general.rcx());
          out.int64("rdx", general.rdx());
          out.int64("rsi", general.rsi());
          out.int64("rdi", general.rdi());
          out.int64("rsp", general.rsp());
          out.int64("rbp", general.rbp());
          out.int64("r8", general.r8());
          out.int64("r9", general.r9());
          out.int64("r10", general.r10());
          out.int64("r11", general.r11());
          out.int64("r12", general.r12());
          out.int64("r13", general.r13());
          out.int64("r14", general.r14());
          out.int64("r15", general.r15());
          out.int64("rip", general.rip());
          out.int64("rflags", general.rflags());
        }

        @Override
        public GeneralRegisters read(StateReader in) {
          return new GeneralRegisters(
              in.int64("rax"),
              in.int64("rbx"),
              in.int64("rcx"),
              in.int64("rdx"),
              in.int64("rsi"),
              in.int64("rdi"),
              in.int64("rsp"),
              in.int64("rbp"),
              in.int64("r8"),
              in.int64("r9"),
              in.int64("r10"),
              in.int64("r11"),
              in.int64("r12"),
              in.int64("r13"),
              in.int64("r14"),
              in.int64("r15"),
              in.int64("rip"),
              in.int64("rflags"));
        }
      };

  private static final RecordJson<SystemRegisters> SYSTEM =
      new RecordJson<>() {
        @Override
        public void write(SystemRegisters system, StateWriter out) {
          out.object("cs", system.cs(), SEGMENT);
          out.object("ds", system.ds(), SEGMENT);
          out.object("es", system.es(), SEGMENT);
          out.object("fs", system.fs(), SEGMENT);
          out.object("gs", system.gs(), SEGMENT);
          out.object("ss", system.ss(), SEGMENT);
          out.object("tr", system.tr(), SEGMENT);
          out.object("ldt", system.ldt(), SEGMENT);
          out.object("gdt", system.gdt(), DESCRIPTOR_TABLE);
          out.object("idt", system.idt(), DESCRIPTOR_TABLE);
          out.int64("cr0", system.cr0());
          out.int64("cr2", system.cr2());
          out.int64("cr3", system.cr3());
          out.int64("cr4", system.cr4());
          out.int64("cr8", system.cr8());
          out.int64("efer", system.efer());
          out.int64("apicBase", system.apicBase());
        }

        @Override
        public SystemRegisters read(StateReader in) {
          return new SystemRegisters(
              in.object("cs", SEGMENT),
              in.object("ds", SEGMENT),
              in.object("es", SEGMENT),
              in.object("fs", SEGMENT),
              in.object("gs", SEGMENT),
              in.object("ss", SEGMENT),
              in.object("tr", SEGMENT),
              in.object("ldt", SEGMENT),
              in.object("gdt", DESCRIPTOR_TABLE),
              in.object("idt", DESCRIPTOR_TABLE),
              in.int64("cr0"),
              in.int64("cr2"),
              in.int64("cr3"),
              in.int64("cr4"),
              in.int64("cr8"),
              in.int64("efer"),
              in.int64("apicBase"));
        }
      };

  private static final RecordJson<Segment> SEGMENT =
      new RecordJson<>() {
        @Override
        public void write(Segment segment, StateWriter out) {
          out.int32("selector", segment.selector());
          out.int64("base", segment.base());
          out.int64("limit", segment.limit());
          out.int32("type", segment.type());
          out.int32("dpl", segment.dpl());
          out.flag("codeOrData", segment.codeOrData());
          out.flag("present", segment.present());
          out.flag("available", segment.available());
          out.flag("longMode", segment.longMode());
          out.flag("defaultBig", segment.defaultBig());
          out.flag("granularity", segment.granularity());
          out.flag("unusable", segment.unusable());
        }

        @Override
        public Segment read(StateReader in) {
          return new Segment(
              in.int32("selector"),
              in.int64("base"),
              in.int64("limit"),
              in.int32("type"),
              in.int32("dpl"),
              in.flag("codeOrData"),
              in.flag("present"),
              in.flag("available"),
              in.flag("longMode"),
              in.flag("defaultBig"),
              in.flag("granularity"),
              in.flag("unusable"));
        }
      };

  private static final RecordJson<DescriptorTable> DESCRIPTOR_TABLE =
      new RecordJson<>() {
        @Override
        public void write(DescriptorTable table, StateWriter out) {
          out.int64("base", table.base());
          out.int32("limit", table.limit());
        }

        @Override
        public DescriptorTable read(StateReader in) {
          return new DescriptorTable(in.int64("base"), in.int32("limit"));
        }
      };

  private static final RecordJson<Msr> MSR =
      new RecordJson<>() {
        @Override
        public void write(Msr msr, StateWriter out) {
          out.int32("index", msr.index());
          out.int64("value", msr.value());
        }

        @Override
        public Msr read(StateReader in) {
          return new Msr(in.int32("index"), in.int64("value"));
        }
      };

  private static final RecordJson<LapicState> LAPIC =
      new RecordJson<>() {
        @Override
        public void write(LapicState lapic, StateWriter out) {
          out.octets("registers", lapic.registers());
        }

        @Override
        public LapicState read(StateReader in) {
          return new LapicState(in.octets("registers"));
        }
      };

  private static final RecordJson<PendingEvents> EVENTS =
      new RecordJson<>() {
        @Override
        public void write(PendingEvents events, StateWriter out) {
          out.flag("exceptionInjected", events.exceptionInjected());
          out.int32("exceptionVector", events.exceptionVector());
          out.flag("exceptionHasErrorCode", events.exceptionHasErrorCode());
          out.int32("exceptionErrorCode", events.exceptionErrorCode());
          out.flag("exceptionPending", events.exceptionPending());
          out.flag("exceptionHasPayload", events.exceptionHasPayload());
          out.int64("exceptionPayload", events.exceptionPayload());
          out.flag("interruptInjected", events.interruptInjected());
          out.int32("interruptVector", events.interruptVector());
          out.flag("interruptSoft", events.interruptSoft());
          out.int32("interruptShadow", events.interruptShadow());
          out.flag("nmiInjected", events.nmiInjected());
          out.flag("nmiPending", events.nmiPending());
          out.flag("nmiMasked", events.nmiMasked());
          out.int32("sipiVector", events.sipiVector());
          out.flag("smm", events.smm());
        }

        @Override
        public PendingEvents read(StateReader in) {
          return new PendingEvents(
              in.flag("exceptionInjected"),
              in.int32("exceptionVector"),
              in.flag("exceptionHasErrorCode"),
              in.int32("exceptionErrorCode"),
              in.flag("exceptionPending"),
              in.flag("exceptionHasPayload"),
              in.int64("exceptionPayload"),
              in.flag("interruptInjected"),
              in.int32("interruptVector"),
              in.flag("interruptSoft"),
              in.int32("interruptShadow"),
              in.flag("nmiInjected"),
              in.flag("nmiPending"),
              in.flag("nmiMasked"),
              in.int32("sipiVector"),
              in.flag("smm"));
        }
      };

  private static final RecordJson<DebugRegisters> DEBUG =
      new RecordJson<>() {
        @Override
        public void write(DebugRegisters debug, StateWriter out) {
          out.int64("dr0", debug.dr0());
          out.int64("dr1", debug.dr1());
          out.int64("dr2", debug.dr2());
          out.int64("dr3", debug.dr3());
          out.int64("dr6", debug.dr6());
          out.int64("dr7", debug.dr7());
        }

        @Override
        public DebugRegisters read(StateReader in) {
          return new DebugRegisters(
              in.int64("dr0"),
              in.int64("dr1"),
              in.int64("dr2"),
              in.int64("dr3"),
              in.int64("dr6"),
              in.int64("dr7"));
        }
      };

  private static final RecordJson<CpuidLeaf> CPUID_LEAF =
      new RecordJson<>() {
        @Override
        public void write(CpuidLeaf leaf, StateWriter out) {
          out.int32("leaf", leaf.leaf());
          out.int32("subleaf", leaf.subleaf());
          out.flag("subleafSignificant", leaf.subleafSignificant());
          out.int32("eax", leaf.eax());
          out.int32("ebx", leaf.ebx());
          out.int32("ecx", leaf.ecx());
          out.int32("edx", leaf.edx());
        }

        @Override
        public CpuidLeaf read(StateReader in) {
          return new CpuidLeaf(
              in.int32("leaf"),
              in.int32("subleaf"),
              in.flag("subleafSignificant"),
              in.int32("eax"),
              in.int32("ebx"),
              in.int32("ecx"),
              in.int32("edx"));
        }
      };

  private VcpuJson() {}
}
