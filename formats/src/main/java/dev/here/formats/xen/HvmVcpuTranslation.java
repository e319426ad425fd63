package dev.here.formats.xen;

import dev.here.machine.Bytes;
import dev.here.machine.CpuidLeaf;
import dev.here.machine.Msr;
import dev.here.machine.PendingEvents;
import dev.here.machine.RunState;
import dev.here.machine.Segment;
import dev.here.machine.SystemRegisters;
import dev.here.machine.VcpuState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The records of one vCPU for Xen. */
final class HvmVcpuTranslation {
  private static final int XSTATE_BV = 512;
  private static final int XCOMP_BV = 520;
  private static final int SPURIOUS = 0xf0;
  private static final int CURRENT_COUNT = 0x390;
  private static final int DIVIDE = 0x3e0;
  private static final int MTRR_CAP = 0xfe;
  private static final int CPUID_XSAVE = 26;

  /** Eight variable ranges, fixed ranges, write-combining: what Xen tells its guests. */
  private static final long XEN_MTRR_CAP = 0x508;

  private static final long XEN_MCG_CAP = 2;

  /** Registers of a record CPU_MSR (msrs_to_send in Xen 4.17's hvm.c). */
  private static final Set<Integer> SENT =
      Set.of(0x48, 0x140, 0xd90, 0xda0, 0xc001011f, 0xc0011027, 0xc0011019, 0xc001101a, 0xc001101b);

  private final int number;
  private final VcpuState vcpu;
  private final XenLosses losses;
  private final TreeMap<Integer, Long> msrs = new TreeMap<>(Integer::compareUnsigned);

  HvmVcpuTranslation(int number, VcpuState vcpu, XenLosses losses) {
    this.number = number;
    this.vcpu = vcpu;
    this.losses = losses;
    for (Msr msr : vcpu.msrs()) {
      msrs.put(msr.index(), msr.value());
    }
  }

  List<HvmRecord> records() {
    var records = new ArrayList<HvmRecord>();
    boolean started = vcpu.runState() == RunState.RUNNABLE || vcpu.runState() == RunState.HALTED;
    HvmCpu cpu = cpu();
    if (started) {
      records.add(cpu);
    }
    records.add(lapic());
    records.add(registers());
    records.add(mtrr());
    if (hasXsave()) {
      records.add(xsave());
    }
    records.add(new HvmVmce(number, machineCheck(), take(0x280), take(0x281), take(0x4d0)));
    records.add(new HvmTscAdjust(number, take(XenMsrs.TSC_ADJUST)));
    more(records);
    return records;
  }

  /** KVM gives a vCPU an XCR0 whether or not its guest is told of XSAVE; Xen refuses one then. */
  private boolean hasXsave() {
    return vcpu.xcr0() != 0
        && vcpu.cpuid().stream()
            .anyMatch(leaf -> leaf.leaf() == 1 && (leaf.ecx() >> CPUID_XSAVE & 1) != 0);
  }

  /** The value of a register, which then counts as carried; 0 if there is none. */
  private long take(int index) {
    Long value = msrs.remove(index);
    return value == null ? 0 : value;
  }

  private HvmCpu cpu() {
    SystemRegisters system = vcpu.system();
    return new HvmCpu(
        number,
        legacy(),
        vcpu.general(),
        system.cr0(),
        system.cr2(),
        system.cr3(),
        system.cr4(),
        vcpu.debug(),
        Stream.of(
                system.cs(),
                system.ds(),
                system.es(),
                system.fs(),
                system.gs(),
                system.ss(),
                system.tr(),
                system.ldt())
            .map(HvmVcpuTranslation::segment)
            .toList(),
        system.idt().limit(),
        system.idt().base(),
        system.gdt().limit(),
        system.gdt().base(),
        new HvmCpu.Msrs(
            take(XenMsrs.SYSENTER_CS),
            take(XenMsrs.SYSENTER_CS + 1),
            take(XenMsrs.SYSENTER_CS + 2),
            take(XenMsrs.KERNEL_GS_BASE),
            0,
            take(XenMsrs.STAR + 1),
            take(XenMsrs.STAR),
            take(XenMsrs.STAR + 2),
            take(XenMsrs.STAR + 3),
            system.efer(),
            take(XenMsrs.TSC_AUX)),
        take(XenMsrs.TSC),
        event(),
        vcpu.events().exceptionInjected() ? vcpu.events().exceptionErrorCode() : 0,
        HvmCpu.FPU_INITIALISED,
        0);
  }

  private static HvmSegment segment(Segment segment) {
    long attributes =
        segment.type()
            | (segment.codeOrData() ? 1 << 4 : 0)
            | segment.dpl() << 5
            | (segment.present() ? 1 << 7 : 0)
            | (segment.available() ? 1 << 8 : 0)
            | (segment.longMode() ? 1 << 9 : 0)
            | (segment.defaultBig() ? 1 << 10 : 0)
            | (segment.granularity() ? 1 << 11 : 0);
    return new HvmSegment(segment.selector(), segment.limit(), segment.base(), attributes);
  }

  /** Faults and software interrupts that have not begun happen again when the instruction does. */
  private long event() {
    PendingEvents events = vcpu.events();
    lostFlag("nmiMasked", events.nmiMasked(), "Xen does not take it; an NMI may come in an NMI");
    lostFlag("interruptShadow", events.interruptShadow() != 0, "Xen does not take it");
    lostFlag("nmiPending", events.nmiPending(), "Xen does not take it; the NMI is lost");
    lostFlag("smm", events.smm(), "Xen has no system-management mode");
    lostFlag("exceptionPending", events.exceptionPending(), "a fault happens again, a trap not");
    if (events.exceptionInjected()) {
      long code = events.exceptionHasErrorCode() ? 1 << 11 : 0;
      return 1L << 31 | 3 << 8 | code | events.exceptionVector();
    }
    if (events.nmiInjected()) {
      return 1L << 31 | 2 << 8 | 2;
    }
    boolean external = events.interruptInjected() && !events.interruptSoft();
    return external ? 1L << 31 | events.interruptVector() : 0;
  }

  private void lostFlag(String name, boolean set, String reason) {
    if (set) {
      losses.add("vcpu %d/events/%s".formatted(number, name), 1, reason);
    }
  }

  /** The legacy region, with initial values for what the area says is in its initial state. */
  private Bytes legacy() {
    byte[] area = Arrays.copyOf(vcpu.xsave().toArray(), 512);
    long inUse = vcpu.xsave().u64(XSTATE_BV);
    if ((inUse & 1) == 0) {
      Arrays.fill(area, 0, 24, (byte) 0);
      Arrays.fill(area, 32, 160, (byte) 0);
      area[0] = 0x7f;
      area[1] = 3;
    }
    if ((inUse & 2) == 0) {
      Arrays.fill(area, 160, 416, (byte) 0);
    }
    return Bytes.of(area);
  }

  private HvmXsave xsave() {
    long accumulated = vcpu.xcr0() | vcpu.xsave().u64(XSTATE_BV);
    int size = areaBytes(accumulated);
    byte[] area = vcpu.xsave().toArray();
    for (int at = size; at < area.length; at++) {
      if (area[at] != 0) {
        throw new XenFormatException(
            -1,
            "vCPU %d has XSAVE state past octet %d that XCR0 %xh does not have"
                .formatted(number, size, accumulated));
      }
    }
    if (vcpu.xsave().u64(XCOMP_BV) != 0) {
      throw new XenFormatException(-1, "vCPU %d has a compacted XSAVE area".formatted(number));
    }
    return new HvmXsave(
        number, accumulated, vcpu.xcr0(), accumulated, Bytes.of(Arrays.copyOf(area, size)));
  }

  private int areaBytes(long components) {
    int size = HvmXsave.MIN_AREA_BYTES;
    for (CpuidLeaf leaf : vcpu.cpuid()) {
      boolean component = leaf.leaf() == 0x0d && leaf.subleaf() >= 2 && leaf.subleaf() < 63;
      if (component && (components >>> leaf.subleaf() & 1) != 0) {
        long end = (leaf.eax() & 0xffffffffL) + (leaf.ebx() & 0xffffffffL);
        size = (int) Math.clamp(end, size, HvmXsave.MAX_AREA_BYTES);
      }
    }
    return size;
  }

  private HvmLapic lapic() {
    Bytes page = vcpu.lapic().registers();
    long base = vcpu.system().apicBase();
    long disabled = ((base & 1 << 11) == 0 ? 1 : 0) | ((page.u32(SPURIOUS) & 1 << 8) == 0 ? 2 : 0);
    int divide = (int) page.u32(DIVIDE);
    int shift = (divide & 3 | divide >> 1 & 4) + 1 & 7;
    return new HvmLapic(number, base, disabled, 1L << shift, take(XenMsrs.TSC_DEADLINE));
  }

  private HvmLapicRegisters registers() {
    byte[] page = vcpu.lapic().registers().toArray();
    ByteBuffer fields = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
    if (fields.getInt(CURRENT_COUNT) != 0) {
      losses.add(
          "vcpu %d/lapic/current count".formatted(number),
          Integer.toUnsignedLong(fields.getInt(CURRENT_COUNT)),
          "Xen begins the timer's count anew on restore");
      fields.putInt(CURRENT_COUNT, 0);
    }
    return new HvmLapicRegisters(number, Bytes.of(page));
  }

  private HvmMtrr mtrr() {
    var variable = new ArrayList<Long>();
    for (int i = 0; i < 16; i++) {
      variable.add(take(XenMsrs.VARIABLE + i));
    }
    var fixed = new ArrayList<Long>();
    for (int index : XenMsrs.FIXED) {
      fixed.add(take(index));
    }
    take(MTRR_CAP);
    return new HvmMtrr(
        number, take(XenMsrs.PAT), variable, fixed, XEN_MTRR_CAP, take(XenMsrs.DEFAULT_TYPE));
  }

  private long machineCheck() {
    long capabilities = take(XenMsrs.MCG_CAP);
    if (capabilities != XEN_MCG_CAP && capabilities != 0) {
      losses.add(
          "vcpu %d/msr 179".formatted(number), capabilities, "Xen gives a guest two banks (2)");
    }
    return XEN_MCG_CAP;
  }

  /** What Xen takes by number, and what it does not take. */
  private void more(List<HvmRecord> records) {
    var entries = new ArrayList<HvmMsrs.Entry>();
    msrs.forEach((index, value) -> {
      if (value != 0 && SENT.contains(index)) {
        entries.add(new HvmMsrs.Entry(index, 0, value));
      } else if (value != 0) {
        losses.add(
            "vcpu %d/msr %x".formatted(number, index), value, "Xen keeps none for its guests");
      }
    });
    if (!entries.isEmpty()) {
      records.add(new HvmMsrs(number, 0, entries));
    }
  }
}
