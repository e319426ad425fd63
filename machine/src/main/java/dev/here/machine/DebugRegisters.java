package dev.here.machine;

/**
 * DR0 to DR3, DR6 and DR7.
 *
 * @param dr0 64 bits
 * @param dr1 64 bits
 * @param dr2 64 bits
 * @param dr3 64 bits
 * @param dr6 64 bits
 * @param dr7 64 bits
 */
public record DebugRegisters(long dr0, long dr1, long dr2, long dr3, long dr6, long dr7) {}
