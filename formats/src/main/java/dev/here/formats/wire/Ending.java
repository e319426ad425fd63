package dev.here.formats.wire;

/** How a primary ends a session. The code is the ordinal plus one. */
public enum Ending {
  /** Protection ends; the guest stays where it is and the replica may be thrown away. */
  UNPROTECT,
  /** Planned: the guest was ended after the last checkpoint and the lease given up; take over. */
  SWITCHOVER,
  /** The hypervisor ended; the lease is given up; take over. */
  CRASHED,
  /** The guest stood still and was ended; the lease is given up; take over. */
  HUNG
}
