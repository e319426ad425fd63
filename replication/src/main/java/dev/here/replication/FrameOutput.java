package dev.here.replication;

/**
 * The guest's way to the network, as output commit needs it. It begins open: frames pass. From the
 * first {@link #endEpoch} on they are held by epoch and leave in their order. Called by the loop's
 * thread, except {@link #held}. What fails is thrown as a {@link ReplicationException}.
 */
public interface FrameOutput {
  /**
   * The guest stands still at the end of {@code epoch}: frames that it sent so far belong to that
   * epoch (or passed, if the way was open), later ones to the next and are held. Epochs rise, not
   * always by one. A part of the pause: returns quickly.
   */
  void endEpoch(long epoch);

  /** Frames of {@code epoch} and all before leave now. */
  void release(long epoch);

  /** Everything held leaves and later frames pass, until the next {@link #endEpoch}. */
  void passThrough();

  /** Everything held is thrown away and later frames are too: the guest goes on elsewhere. */
  void discard();

  /** Whether frames that the guest sent since the last {@link #endEpoch} wait for its next one. */
  boolean hasSent();

  /** The guest is about to be stopped: frames for it are kept from it. */
  default void holdInbound() {}

  /** The guest runs: frames for it go to it, those that were kept first. */
  default void passInbound() {}

  /** Whether there is hardly room left for frames; where there is none, later ones are lost. */
  boolean isFilling();

  /** What is held now. */
  Held held();

  /**
   * Frames of the guest at one moment.
   *
   * @param frames held
   * @param bytes theirs
   * @param lost frames of the guest so far that there was no room for, as on a full link
   */
  record Held(long frames, long bytes, long lost) {
    /** Nothing. */
    public static final Held NONE = new Held(0, 0, 0);
  }
}
