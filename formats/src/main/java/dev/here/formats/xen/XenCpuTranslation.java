package dev.here.formats.xen;

import dev.here.machine.Bytes;
import dev.here.machine.DebugRegisters;
import dev.here.machine.DescriptorTable;
import dev.here.machine.GeneralRegisters;
import dev.here.machine.PendingEvents;
import dev.here.machine.RunState;
import dev.here.machine.Segment;
import dev.here.machine.SystemRegisters;
import dev.here.machine.VcpuState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * One vCPU from its records. Facts: Xen 4.17's xen/arch/x86/hvm/hvm.c (hvm_save_cpu_ctxt), svm.c
 * and vmx.c (pending events); AMD64 APM volume 2 (segment attributes 15.5, EVENTINJ 15.20, reset
 * values 14.1.3).
 */
final class XenCpuTranslation {
  private static final long X2APIC = 1 << 10;
  private static final int TPR = 0x80;
  private static final int XSTATE_BV = 512;

  private final HvmContext context;
  private final XenGuestFacts facts;
  private final XenLosses losses;

  XenCpuTranslation(HvmContext context, XenGuestFacts facts, XenLosses losses) {
    this.context = context;
    this.facts = facts;
    this.losses = losses;
  }

  VcpuState vcpu(int number) {
    HvmLapic lapic = context.require(HvmLapic.class, number);
    HvmLapicRegisters registers = context.require(HvmLapicRegisters.class, number);
    // A vCPU without a CPU record has not been started, or has been sent INIT.
    Optional<HvmCpu> started = context.find(HvmCpu.class, number);
    HvmCpu cpu = started.orElseGet(() -> reset(number));
    Optional<HvmXsave> xsave = context.find(HvmXsave.class, number);
    refuseLogicalId(number, lapic, registers);
    return new VcpuState(
        XenGuestFacts.apicId(number),
        started.isPresent() ? RunState.RUNNABLE : RunState.INIT_RECEIVED,
        cpu.general(),
        system(cpu, lapic, registers),
        xsave.map(HvmXsave::area).orElseGet(() -> legacyArea(cpu)),
        xsave.map(HvmXsave::xcr0).orElse(0L),
        new XenMsrs(context, losses).of(number, cpu),
        new XenApicTranslation(losses).lapic(lapic, registers),
        events(cpu),
        cpu.debug(),
        new XenCpuid(facts, number, cpu.cr4()).leaves());
  }

  /** In x2APIC mode the logical id must follow from the APIC id, as other hypervisors have it. */
  private static void refuseLogicalId(int number, HvmLapic lapic, HvmLapicRegisters registers) {
    long logical = registers.data().u32(0xd0);
    long apicId = XenGuestFacts.apicId(number);
    long due = (apicId & ~0xf) << 12 | 1L << (apicId & 0xf);
    if ((lapic.apicBaseMsr() & X2APIC) != 0 && logical != due) {
      throw new XenFormatException(
          -1,
          "vCPU %d is in x2APIC mode with logical id %xh, not %xh: an old Xen's fault that can't be"
                  .formatted(number, logical, due)
              + " carried; start the guest with x2APIC off (nox2apic)");
    }
  }

  private static SystemRegisters system(HvmCpu cpu, HvmLapic lapic, HvmLapicRegisters registers) {
    return new SystemRegisters(
        segment(cpu, "cs"),
        segment(cpu, "ds"),
        segment(cpu, "es"),
        segment(cpu, "fs"),
        segment(cpu, "gs"),
        segment(cpu, "ss"),
        segment(cpu, "tr"),
        segment(cpu, "ldtr"),
        new DescriptorTable(cpu.gdtrBase(), (int) Math.min(cpu.gdtrLimit(), 0xffff)),
        new DescriptorTable(cpu.idtrBase(), (int) Math.min(cpu.idtrLimit(), 0xffff)),
        cpu.cr0(),
        cpu.cr2(),
        cpu.cr3(),
        cpu.cr4(),
        registers.data().at(TPR) >> 4,
        cpu.msrs().efer(),
        lapic.apicBaseMsr());
  }

  private static Segment segment(HvmCpu cpu, String name) {
    HvmSegment segment = cpu.segment(name);
    int bits = (int) segment.attributes();
    boolean present = bit(bits, 7);
    return new Segment(
        (int) segment.selector() & 0xffff,
        segment.base(),
        segment.limit(),
        bits & 15,
        bits >> 5 & 3,
        bit(bits, 4),
        present,
        bit(bits, 8),
        bit(bits, 9),
        bit(bits, 10),
        bit(bits, 11),
        !present);
  }

  private static boolean bit(long value, int bit) {
    return (value >> bit & 1) != 0;
  }

  /** What was under delivery. Software interrupts are executed anew by Xen, so there is none. */
  private PendingEvents events(HvmCpu cpu) {
    long event = cpu.pendingEvent();
    if (!bit(event, 31)) {
      return PendingEvents.NONE;
    }
    int vector = (int) event & 0xff;
    int type = (int) event >> 8 & 7;
    boolean hasCode = bit(event, 11);
    boolean exception = type == 3;
    boolean interrupt = type == 0 || type == 4;
    if (!exception && !interrupt && type != 2 || exception && vector > 31) {
      throw new XenFormatException(
          -1, "vCPU %d has a pending event %xh, not known".formatted(cpu.instance(), event));
    }
    return new PendingEvents(
        exception,
        exception ? vector : 0,
        exception && hasCode,
        exception && hasCode ? (int) cpu.errorCode() : 0,
        false,
        false,
        0,
        interrupt,
        interrupt ? vector : 0,
        type == 4,
        0,
        type == 2,
        false,
        false,
        0,
        false);
  }

  /** The registers of a vCPU without XSAVE, as an area that says that x87 and SSE are in use. */
  static Bytes legacyArea(HvmCpu cpu) {
    ByteBuffer area = ByteBuffer.allocate(HvmXsave.MIN_AREA_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if ((cpu.flags() & HvmCpu.FPU_INITIALISED) != 0) {
      area.put(0, cpu.fpu().toArray());
    } else {
      area.putShort(0, (short) 0x37f);
      area.putInt(24, 0x1f80);
    }
    area.putLong(XSTATE_BV, 3);
    return Bytes.of(area.array());
  }

  private static HvmCpu reset(int number) {
    var data = new HvmSegment(0, 0xffff, 0, 0x93);
    var code = new HvmSegment(0xf000, 0xffff, 0xffff0000L, 0x9b);
    var task = new HvmSegment(0, 0xffff, 0, 0x8b);
    var local = new HvmSegment(0, 0xffff, 0, 0x82);
    return new HvmCpu(
        number,
        Bytes.zero(512),
        new GeneralRegisters(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfff0, 2),
        0x60000010L,
        0,
        0,
        0,
        new DebugRegisters(0, 0, 0, 0, 0xffff0ff0L, 0x400),
        List.of(code, data, data, data, data, data, task, local),
        0xffff,
        0,
        0xffff,
        0,
        new HvmCpu.Msrs(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        0,
        0,
        0,
        0,
        0);
  }
}
