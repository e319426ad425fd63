package dev.here.machine;

/**
 * One model-specific register.
 *
 * @param index as in ECX of RDMSR
 * @param value 64 bits
 */
public record Msr(int index, long value) {}
