package dev.here.kvm;

import dev.here.ffi.Errno;
import dev.here.ffi.NativeException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * All of one stopped vCPU's state, as KVM gives it and takes it on the same kind of host.
 *
 * @param xsave XSAVE area, as many bytes as the host's KVM has
 * @param lapic the LAPIC's first 1 KiB; empty when LAPICs aren't in KVM
 * @param msrs readable MSRs of the host's index list
 */
public record VcpuState(
    List<CpuidEntry> cpuid,
    KvmRegs regs,
    KvmSregs sregs,
    byte[] xsave,
    long xcr0,
    DebugRegs debugRegs,
    byte[] lapic,
    SortedMap<Integer, Long> msrs,
    VcpuEvents events,
    MpState mpState,
    int tscKhz) {

  /** IA32_TSC_DEADLINE: counts only once the LAPIC's timer mode is set. */
  private static final int MSR_TSC_DEADLINE = 0x6e0;

  /**
   * Reads everything. The vCPU must be stopped, with no I/O half done ({@link
   * KvmVcpu#completePendingIo}).
   *
   * @param msrs the MSRs to read, usually the host's index list; its failed entries are left out
   * @param withLapic whether LAPICs are in KVM
   */
  public static VcpuState capture(KvmVcpu vcpu, MsrBatch msrs, boolean withLapic) {
    // MP state first: reading it makes KVM take a pending INIT or SIPI, which changes the rest.
    MpState mpState = vcpu.mpState();
    vcpu.readMsrs(msrs);
    return new VcpuState(
        vcpu.cpuid(),
        vcpu.regs(),
        vcpu.sregs(),
        vcpu.xsave(),
        vcpu.xcr0(),
        vcpu.debugRegs(),
        withLapic ? vcpu.lapic() : new byte[0],
        msrs.values(),
        vcpu.events(),
        mpState,
        vcpu.tscKhz());
  }

  /**
   * Sets everything on a fresh vCPU, each part after those it depends on: CPUID decides which MSRs
   * and XSAVE features exist, sregs carry the APIC base that the LAPIC's mode rests on, the LAPIC's
   * timer mode comes before its deadline, and events last, because setting registers forgets
   * pending exceptions.
   *
   * @throws NativeException naming the first part that KVM refuses
   */
  public void apply(KvmVcpu vcpu) {
    vcpu.cpuid(cpuid);
    vcpu.sregs(sregs);
    vcpu.regs(regs);
    vcpu.xcr0(xcr0);
    vcpu.xsave(xsave);
    vcpu.debugRegs(debugRegs);
    if (lapic.length > 0) {
      vcpu.lapic(lapic);
    }
    applyMsrs(vcpu);
    vcpu.events(events);
    vcpu.mpState(mpState);
  }

  private void applyMsrs(KvmVcpu vcpu) {
    try (MsrBatch batch = MsrBatch.of(msrs)) {
      vcpu.writeMsrs(batch);
      for (int i = 0; i < batch.size(); i++) {
        if (batch.failed(i) && batch.value(i) != 0) {
          throw new NativeException(
              Errno.EINVAL,
              "KVM_SET_MSRS of MSR 0x%x = 0x%x".formatted(batch.index(i), batch.value(i)),
              "this host's KVM doesn't support what the guest uses");
        }
      }
    }
    Long deadline = msrs.get(MSR_TSC_DEADLINE);
    if (deadline != null && deadline != 0) {
      try (MsrBatch batch = MsrBatch.of(MSR_TSC_DEADLINE)) {
        batch.value(0, deadline);
        vcpu.writeMsrs(batch);
      }
    }
  }

  /**
   * In which parts two states differ, one line each with both values; empty when they are equal.
   *
   * @param running MSR numbers that are clocks and differ from one read to the next
   */
  public List<String> differences(VcpuState other, int... running) {
    List<String> lines = new ArrayList<>();
    compare(lines, "cpuid", cpuid, other.cpuid);
    compare(lines, "regs", regs, other.regs);
    compare(lines, "sregs", sregs, other.sregs);
    compare(lines, "xcr0", xcr0, other.xcr0);
    compare(lines, "debug registers", debugRegs, other.debugRegs);
    compare(lines, "events", events, other.events);
    compare(lines, "MP state", mpState, other.mpState);
    compareBytes(lines, "xsave", xsave, other.xsave);
    compareBytes(lines, "lapic", lapic, other.lapic);
    compareMsrs(lines, other, running);
    return lines;
  }

  private void compareMsrs(List<String> lines, VcpuState other, int[] running) {
    for (int index : msrs.keySet()) {
      if (Arrays.stream(running).noneMatch(clock -> clock == index)) {
        compare(lines, "MSR 0x%x".formatted(index), msrs.get(index), other.msrs.get(index));
      }
    }
    for (int index : other.msrs.keySet()) {
      if (!msrs.containsKey(index)) {
        lines.add("MSR 0x%x: only in the second".formatted(index));
      }
    }
  }

  private static void compareBytes(List<String> lines, String what, byte[] one, byte[] two) {
    int at = Arrays.mismatch(one, two);
    if (at >= 0) {
      lines.add("%s: first difference at byte 0x%x".formatted(what, at));
    }
  }

  private static void compare(
      List<String> lines, String what, @Nullable Object one, @Nullable Object two) {
    if (!Objects.equals(one, two)) {
      lines.add(what + ": " + one + " / " + two);
    }
  }

  @Override
  public boolean equals(Object object) {
    return object instanceof VcpuState other && differences(other).isEmpty();
  }

  @Override
  public int hashCode() {
    return Objects.hash(regs, sregs, xcr0, events, mpState);
  }
}
