package dev.here.replication;

/**
 * Decides how long the guest runs until its next checkpoint. Used by one thread; knows no clock but
 * what it is told, so that it runs in a simulation as it runs in earnest.
 */
public interface IntervalPolicy {
  /** Length of the next epoch, nanoseconds, from the guest's resumption to its next pause. */
  long nextIntervalNanos();

  /** A checkpoint was taken and committed. */
  void measured(EpochMeasure measure);

  /** For people, with its parameters: {@code bounded 20 %, at most 2 s}. */
  String description();
}
