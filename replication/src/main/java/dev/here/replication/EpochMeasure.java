package dev.here.replication;

/**
 * What one epoch was like.
 *
 * @param intervalNanos how long the guest ran before the pause
 * @param pauseNanos how long it stood still
 * @param commitNanos from its resumption to the acknowledgement
 * @param dirtyPages pages that the checkpoint delivered
 */
public record EpochMeasure(long intervalNanos, long pauseNanos, long commitNanos, int dirtyPages) {}
