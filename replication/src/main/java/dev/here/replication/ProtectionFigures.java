package dev.here.replication;

import dev.here.hypervisor.PauseTimes;

/**
 * The numbers of a protection, written by the loop and read by whoever asks for its status.
 * Thread-safe.
 */
final class ProtectionFigures {
  private final PauseHistory pauses = new PauseHistory();
  private ProtectionState state = ProtectionState.CONNECTING;
  private String reason = "";
  private long epoch;
  private long committedEpoch;
  private long checkpoints;
  private EpochMeasure last = new EpochMeasure(0, 0, 0, 0);
  private PauseTimes pause = PauseTimes.NONE;
  private PauseTimes totalPause = PauseTimes.NONE;
  private EpochSender.Sent sent = new EpochSender.Sent(0, 0);
  private long totalDirtyPages;
  private long totalSentBytes;
  private long seededPages;
  private double meanInterval;

  /** Returns whether anything changed. */
  synchronized boolean state(ProtectionState newState, String newReason) {
    boolean changed = newState != state || !newReason.equals(reason);
    state = newState;
    reason = newReason;
    return changed;
  }

  synchronized ProtectionState state() {
    return state;
  }

  synchronized String reason() {
    return reason;
  }

  synchronized void captured(long newEpoch, PauseTimes times) {
    epoch = newEpoch;
    pause = times;
    totalPause = totalPause.plus(times);
    pauses.record(times.pauseNanos());
  }

  synchronized void sent(EpochSender.Sent what) {
    sent = what;
    totalSentBytes += what.bytes();
  }

  synchronized void committed(long newEpoch, EpochMeasure measure) {
    committedEpoch = newEpoch;
    checkpoints++;
    last = measure;
    totalDirtyPages += measure.dirtyPages();
    meanInterval =
        checkpoints == 1
            ? measure.intervalNanos()
            : meanInterval + 0.05 * (measure.intervalNanos() - meanInterval);
  }

  synchronized void recommitted(long newEpoch) {
    committedEpoch = newEpoch;
    checkpoints++;
  }

  synchronized void seeded(long pages) {
    seededPages = pages;
  }

  synchronized ProtectionStatus status(String policy, FrameOutput.Held held) {
    long mean = pauses.meanNanos();
    return new ProtectionStatus(
        state,
        reason,
        state == ProtectionState.PROTECTED,
        policy,
        epoch,
        committedEpoch,
        checkpoints,
        last.intervalNanos(),
        pause,
        totalPause,
        mean,
        pauses.percentileNanos(99),
        last.commitNanos(),
        last.dirtyPages(),
        sent.pages(),
        sent.bytes(),
        totalDirtyPages,
        totalSentBytes,
        seededPages,
        mean == 0 ? 0 : mean / (mean + meanInterval),
        held.frames(),
        held.bytes(),
        held.lost());
  }
}
