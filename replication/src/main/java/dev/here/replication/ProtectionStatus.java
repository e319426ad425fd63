package dev.here.replication;

import dev.here.hypervisor.PauseTimes;

/**
 * A protection as the user sees it, at one moment.
 *
 * @param state where it stands
 * @param reason why, in a sentence; empty when there is nothing to say
 * @param safe a failover now would lose nothing
 * @param policy the interval policy with its parameters
 * @param epoch last checkpoint taken
 * @param committedEpoch last checkpoint that the standby has committed
 * @param checkpoints checkpoints committed in this protection
 * @param intervalNanos length of the last epoch
 * @param pause parts of the last pause
 * @param totalPause parts of all pauses together
 * @param pauseMeanNanos mean of the last pauses
 * @param pauseP99Nanos 99 % of the last pauses were not longer
 * @param commitNanos from the guest's resumption to the last acknowledgement (commit lag)
 * @param dirtyPages pages of the last checkpoint
 * @param sentPages those of them that had to be sent
 * @param sentBytes octets on the wire for the last checkpoint
 * @param totalDirtyPages pages of all checkpoints
 * @param totalSentBytes octets on the wire for all checkpoints
 * @param seededPages pages that the driver delivered for the first copy
 * @param degradation pause / (pause + interval), mean of the last pauses and intervals
 * @param heldFrames the guest's frames that wait for a commit
 * @param heldBytes their octets
 * @param lostFrames the guest's frames that were dropped because too many waited
 */
public record ProtectionStatus(
    ProtectionState state,
    String reason,
    boolean safe,
    String policy,
    long epoch,
    long committedEpoch,
    long checkpoints,
    long intervalNanos,
    PauseTimes pause,
    PauseTimes totalPause,
    long pauseMeanNanos,
    long pauseP99Nanos,
    long commitNanos,
    int dirtyPages,
    int sentPages,
    long sentBytes,
    long totalDirtyPages,
    long totalSentBytes,
    long seededPages,
    double degradation,
    long heldFrames,
    long heldBytes,
    long lostFrames) {}
