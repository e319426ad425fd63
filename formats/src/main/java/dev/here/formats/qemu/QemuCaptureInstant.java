package dev.here.formats.qemu;

/**
 * When a state was taken, by the clocks of QEMU's host: read when the guest has just stopped
 * (VMSTATE_SEND), on that host.
 *
 * @param realtimeNanos CLOCK_REALTIME, nanoseconds since 1970
 * @param monotonicNanos CLOCK_MONOTONIC
 */
public record QemuCaptureInstant(long realtimeNanos, long monotonicNanos) {}
