package dev.here.formats.xen;

import dev.here.machine.Msr;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The model-specific registers of a vCPU. Indices: AMD64 APM volume 2 appendix A, Intel SDM volume
 * 4. The EFER and APIC base registers stand with the system registers, FS and GS base with the
 * segments.
 */
final class XenMsrs {
  static final int TSC = 0x10;
  static final int TSC_ADJUST = 0x3b;
  static final int SYSENTER_CS = 0x174;
  static final int MCG_CAP = 0x179;
  static final int VARIABLE = 0x200;
  static final int PAT = 0x277;
  static final int MC0_CTL2 = 0x280;
  static final int DEFAULT_TYPE = 0x2ff;
  static final int MCG_EXT_CTL = 0x4d0;
  static final int TSC_DEADLINE = 0x6e0;
  static final int STAR = 0xc0000081;
  static final int KERNEL_GS_BASE = 0xc0000102;
  static final int TSC_AUX = 0xc0000103;
  static final int[] FIXED = {
    0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f
  };

  private final HvmContext context;
  private final XenLosses losses;

  XenMsrs(HvmContext context, XenLosses losses) {
    this.context = context;
    this.losses = losses;
  }

  /** By rising index. */
  List<Msr> of(int vcpu, HvmCpu cpu) {
    var msrs = new TreeMap<Integer, Long>(Integer::compareUnsigned);
    HvmCpu.Msrs own = cpu.msrs();
    msrs.put(TSC, cpu.tsc());
    msrs.put(SYSENTER_CS, own.sysenterCs());
    msrs.put(SYSENTER_CS + 1, own.sysenterEsp());
    msrs.put(SYSENTER_CS + 2, own.sysenterEip());
    msrs.put(STAR, own.star());
    msrs.put(STAR + 1, own.lstar());
    msrs.put(STAR + 2, own.cstar());
    msrs.put(STAR + 3, own.syscallMask());
    msrs.put(KERNEL_GS_BASE, own.kernelGsBase());
    whenSet(msrs, TSC_AUX, own.tscAux());
    context
        .find(HvmTscAdjust.class, vcpu)
        .ifPresent(adjust -> msrs.put(TSC_ADJUST, adjust.tscAdjust()));
    msrs.put(TSC_DEADLINE, context.require(HvmLapic.class, vcpu).tdtMsr());
    memoryTypes(context.require(HvmMtrr.class, vcpu), msrs);
    context.find(HvmVmce.class, vcpu).ifPresent(vmce -> machineCheck(vmce, msrs));
    context
        .find(HvmMsrs.class, vcpu)
        .ifPresent(more -> more.msrs().forEach(msr -> msrs.put(msr.index(), msr.value())));
    return msrs.entrySet().stream().map(msr -> new Msr(msr.getKey(), msr.getValue())).toList();
  }

  private static void whenSet(Map<Integer, Long> msrs, int index, long value) {
    if (value != 0) {
      msrs.put(index, value);
    }
  }

  /**
   * Xen 4.17 saves its first variable range in the place of each (hvm_save_mtrr_msr): all alike
   * means that only the first is known.
   */
  private void memoryTypes(HvmMtrr mtrr, Map<Integer, Long> msrs) {
    List<Long> variable = mtrr.variable();
    int ranges = (int) Math.min(mtrr.capabilities() & 0xff, variable.size() / 2);
    var bases = new HashSet<Long>();
    for (int i = 0; i < ranges; i++) {
      bases.add(variable.get(2 * i));
    }
    boolean repeated = ranges > 1 && bases.size() == 1 && variable.getFirst() != 0;
    for (int i = 0; i < ranges; i++) {
      boolean known = i == 0 || !repeated;
      msrs.put(VARIABLE + 2 * i, known ? variable.get(2 * i) : 0);
      msrs.put(VARIABLE + 2 * i + 1, known ? variable.get(2 * i + 1) : 0);
    }
    if (repeated) {
      losses.add(
          "MTRR %d/variable".formatted(mtrr.instance()),
          variable.getFirst(),
          "this Xen saves the first variable range in the place of all; the others become empty");
    }
    for (int i = 0; i < FIXED.length; i++) {
      msrs.put(FIXED[i], mtrr.fixed().get(i));
    }
    msrs.put(DEFAULT_TYPE, mtrr.defaultType());
    msrs.put(PAT, mtrr.pat());
  }

  private static void machineCheck(HvmVmce vmce, Map<Integer, Long> msrs) {
    whenSet(msrs, MCG_CAP, vmce.caps());
    whenSet(msrs, MC0_CTL2, vmce.mciCtl2Bank0());
    whenSet(msrs, MC0_CTL2 + 1, vmce.mciCtl2Bank1());
    whenSet(msrs, MCG_EXT_CTL, vmce.mcgExtCtl());
  }
}
