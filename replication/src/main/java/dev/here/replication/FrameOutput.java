package dev.here.replication;

/**
 * The guest's way to the network, as output commit needs it. It begins open: frames pass. From the
 * first {@link #endEpoch} on they are held by epoch and leave in their order. Called by the loop's
 * thread, except {@link #heldFrames} and {@link #heldBytes}.
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

  /** Frames held now. */
  int heldFrames();

  /** Octets of the frames held now. */
  long heldBytes();
}
