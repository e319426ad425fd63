package dev.here.machine;

/**
 * One answer of the CPUID instruction.
 *
 * @param leaf EAX on entry
 * @param subleaf ECX on entry; 0 where it does not matter
 * @param subleafSignificant the answer depends on ECX
 * @param eax result
 * @param ebx result
 * @param ecx result
 * @param edx result
 */
public record CpuidLeaf(
    int leaf, int subleaf, boolean subleafSignificant, int eax, int ebx, int ecx, int edx) {}
