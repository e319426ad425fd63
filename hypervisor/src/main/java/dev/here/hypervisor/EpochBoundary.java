package dev.here.hypervisor;

/** Called by a driver in the course of a capture, each at most once, in this order. */
public interface EpochBoundary {
  /**
   * The guest is about to be stopped, by a hypervisor that loses frames for it meanwhile: they are
   * to be kept from it. A driver whose hypervisor loses none need not call this.
   */
  default void guestStopping() {}

  /**
   * The guest stands still: frames that it sent before belong to the epoch that ends, later ones to
   * the next. The frame gate is told here; this must return quickly, it is a part of the pause.
   */
  void guestStopped();

  /** The guest runs again, after {@link #guestStopping}. Not called where the capture fails. */
  default void guestRuns() {}
}
