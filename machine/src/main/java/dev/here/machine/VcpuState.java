package dev.here.machine;

import java.util.List;

/**
 * One virtual processor, architecturally.
 *
 * @param apicId initial APIC id; also the vCPU's id towards the hypervisor
 * @param runState what it is doing
 * @param general general-purpose registers
 * @param system segments and control registers
 * @param xsave XSAVE area in the standard (not compacted) format, 512 + 64 octets at least
 * @param xcr0 extended control register 0; 0 where the guest has no XSAVE
 * @param msrs by rising unsigned index, each once; TSC included
 * @param lapic its local APIC
 * @param events what it owes the guest
 * @param debug debug registers
 * @param cpuid every answer of CPUID that the guest can see
 */
public record VcpuState(
    int apicId,
    RunState runState,
    GeneralRegisters general,
    SystemRegisters system,
    Bytes xsave,
    long xcr0,
    List<Msr> msrs,
    LapicState lapic,
    PendingEvents events,
    DebugRegisters debug,
    List<CpuidLeaf> cpuid) {
  public VcpuState {
    Bounds.range("vcpu.apicId", apicId, 0, 1023);
    Bounds.range("vcpu.xsave.length", xsave.length(), 576, 16384);
    Bounds.range("vcpu.msrs", msrs.size(), 0, 1024);
    Bounds.range("vcpu.cpuid", cpuid.size(), 0, 512);
    msrs = List.copyOf(msrs);
    cpuid = List.copyOf(cpuid);
  }
}
