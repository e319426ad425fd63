package dev.here.machine;

/**
 * Clocks at the instant of capture. The guest's own counters stand with their devices (TSC in the
 * MSRs).
 *
 * @param tscKhz rate of the guest's time-stamp counter
 * @param kvmClockNanos the hypervisor's paravirtual clock for the guest, nanoseconds since the
 *     guest's start; 0 without one
 * @param realtimeNanos the host's wall clock, nanoseconds since 1970
 * @param monotonicNanos the host's monotonic clock
 */
public record ClockState(
    long tscKhz, long kvmClockNanos, long realtimeNanos, long monotonicNanos) {}
