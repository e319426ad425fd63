package dev.here.host;

import dev.here.hypervisor.HypervisorException;

/** A guest whose keeper has died. */
interface LeftGuest {
  /** Whether its hypervisor executes nothing any more, as far as that is seen. */
  boolean isGone();

  /**
   * Begins to see to it. What needs no certainty who owns it is done.
   *
   * @throws HypervisorException when the hypervisor does not answer
   */
  GuestReference.Leavings leavings();

  /** Ends it by force; whether it has certainly ended. */
  boolean end();
}
