package dev.here.hypervisor;

/** Called by a driver in the middle of a capture. */
@FunctionalInterface
public interface EpochBoundary {
  /**
   * The guest stands still: frames that it sent before belong to the epoch that ends, later ones to
   * the next. The frame gate is told here; this must return quickly, it is a part of the pause.
   */
  void guestStopped();
}
