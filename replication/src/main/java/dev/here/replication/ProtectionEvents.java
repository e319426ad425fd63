package dev.here.replication;

/** What an {@link EpochLoop} tells its host. Called by the loop's thread; returns quickly. */
public interface ProtectionEvents {
  /** The protection has gone to another state, or the reason for its state has changed. */
  void changed(ProtectionState state, String reason);

  /** A checkpoint was committed; {@code status} is fresh. */
  void committed(ProtectionStatus status);
}
