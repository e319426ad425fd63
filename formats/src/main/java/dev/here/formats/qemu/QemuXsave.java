package dev.here.formats.qemu;

import dev.here.machine.Bytes;
import dev.here.machine.CpuidLeaf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * Builds the XSAVE area of a vCPU in the standard format from the registers that QEMU sends one by
 * one. Where a component lies comes from the guest's CPUID leaf 0Dh. Layout: Intel SDM volume 1,
 * chapter 13; AMD64 APM volume 2, section 11.5.
 */
final class QemuXsave {
  private static final int LEGACY_AND_HEADER_BYTES = 576;
  private static final int MAX_BYTES = 16384;
  private static final int XSTATE_BV = 512;
  private static final int CPUID_XSAVE = 0x0d;

  private static final int AVX = 2;
  private static final int BNDREGS = 3;
  private static final int BNDCSR = 4;
  private static final int OPMASK = 5;
  private static final int ZMM_HI256 = 6;
  private static final int HI16_ZMM = 7;
  private static final int PKRU = 9;

  private final VmStruct cpu;
  private final QemuGuestFacts.Vcpu vcpu;
  private final boolean kvm;

  /**
   * @param kvm the x87 registers stand in stack order, as KVM gives them; else by physical number
   */
  QemuXsave(VmStruct cpu, QemuGuestFacts.Vcpu vcpu, boolean kvm) {
    this.cpu = cpu;
    this.vcpu = vcpu;
    this.kvm = kvm;
  }

  Bytes image() {
    ByteBuffer area = ByteBuffer.allocate(sizeBytes()).order(ByteOrder.LITTLE_ENDIAN);
    legacy(area);
    // KVM fills in the initial values of components that are in their initial state, so taking
    // x87 and SSE as in use changes nothing.
    area.putLong(XSTATE_BV, cpu.number("env.xstate_bv") | 3);
    vectors(area);
    protectionKeys(area);
    return Bytes.of(area.array());
  }

  private int sizeBytes() {
    int size = LEGACY_AND_HEADER_BYTES;
    long xcr0 = cpu.number("env.xcr0");
    for (int component = 2; component < 63; component++) {
      if ((xcr0 >>> component & 1) == 0) {
        continue;
      }
      Optional<CpuidLeaf> leaf = component(component);
      if (leaf.isPresent()) {
        long end = (leaf.get().ebx() & 0xffffffffL) + (leaf.get().eax() & 0xffffffffL);
        if (end > MAX_BYTES) {
          throw new QemuStreamException(
              -1, "CPUID leaf 0Dh places XSAVE component " + component + " up to octet " + end);
        }
        size = Math.max(size, (int) end);
      }
    }
    return size;
  }

  private Optional<CpuidLeaf> component(int component) {
    for (CpuidLeaf leaf : vcpu.cpuid()) {
      if (leaf.leaf() == CPUID_XSAVE && leaf.subleaf() == component && leaf.eax() != 0) {
        return Optional.of(leaf);
      }
    }
    return Optional.empty();
  }

  private void legacy(ByteBuffer area) {
    int status = cpu.number("env.fpus_vmstate", 0, 0xffff);
    area.putShort(0, (short) cpu.number("env.fpuc"));
    area.putShort(2, (short) status);
    area.put(4, (byte) cpu.number("env.fptag_vmstate"));
    cpu.subsection("cpu/fpop_ip_dp")
        .ifPresent(last -> {
          area.putShort(6, (short) last.number("env.fpop"));
          area.putLong(8, last.number("env.fpip"));
          area.putLong(16, last.number("env.fpdp"));
        });
    area.putInt(24, (int) cpu.number("env.mxcsr"));
    area.putInt(28, 0xffff);
    if (cpu.number("env.fpregs_format_vmstate") != 0) {
      throw new QemuStreamException(-1, cpu.path() + " has x87 registers in an old format");
    }
    List<VmStruct> registers = cpu.structs("env.fpregs", 8);
    int top = kvm ? 0 : status >> 11 & 7;
    for (int i = 0; i < 8; i++) {
      VmStruct register = registers.get(top + i & 7).struct("tmp");
      area.putLong(32 + 16 * i, register.number("tmp_mant"));
      area.putShort(40 + 16 * i, (short) register.number("tmp_exp"));
    }
    List<VmStruct> xmm = cpu.structs("env.xmm_regs[0]", 16);
    for (int i = 0; i < 16; i++) {
      area.putLong(160 + 16 * i, xmm.get(i).number("_q_ZMMReg[0]"));
      area.putLong(168 + 16 * i, xmm.get(i).number("_q_ZMMReg[1]"));
    }
  }

  private void vectors(ByteBuffer area) {
    quads(area, AVX, cpu.structs("env.xmm_regs[1]", 16), 2, 2);
    cpu.subsection("cpu/avx512")
        .ifPresent(avx512 -> {
          longs(area, OPMASK, avx512.numbers("env.opmask_regs", 8));
          quads(area, ZMM_HI256, avx512.structs("env.xmm_regs[0]", 16), 4, 4);
          quads(area, HI16_ZMM, avx512.structs("env.xmm_regs[16]", 16), 0, 8);
        });
    cpu.subsection("cpu/mpx")
        .ifPresent(mpx -> {
          long[] bounds = new long[8];
          List<VmStruct> registers = mpx.structs("env.bnd_regs", 4);
          for (int i = 0; i < 4; i++) {
            bounds[2 * i] = registers.get(i).number("lb");
            bounds[2 * i + 1] = registers.get(i).number("ub");
          }
          longs(area, BNDREGS, bounds);
          longs(
              area,
              BNDCSR,
              new long[] {mpx.number("env.bndcs_regs.cfgu"), mpx.number("env.bndcs_regs.sts")});
        });
  }

  private void protectionKeys(ByteBuffer area) {
    cpu.subsection("cpu/pkru")
        .ifPresent(pkru -> longs(area, PKRU, new long[] {pkru.number("env.pkru")}));
  }

  /** Quad words {@code first} on of each register, one register after the other. */
  private void quads(
      ByteBuffer area, int component, List<VmStruct> registers, int first, int count) {
    long[] values = new long[registers.size() * count];
    for (int i = 0; i < values.length; i++) {
      values[i] = registers.get(i / count).number("_q_ZMMReg[" + (first + i % count) + "]");
    }
    longs(area, component, values);
  }

  private void longs(ByteBuffer area, int component, long[] values) {
    boolean zero = true;
    for (long value : values) {
      zero &= value == 0;
    }
    if (zero) {
      return;
    }
    int at = component(component).map(CpuidLeaf::ebx).orElse(0);
    if (at < LEGACY_AND_HEADER_BYTES || at + 8 * values.length > area.capacity()) {
      throw new QemuStreamException(
          -1,
          "%s uses XSAVE component %d, which CPUID leaf 0Dh or XCR0 does not give the guest"
              .formatted(cpu.path(), component));
    }
    for (int i = 0; i < values.length; i++) {
      area.putLong(at + 8 * i, values[i]);
    }
  }
}
