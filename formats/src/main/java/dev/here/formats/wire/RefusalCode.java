package dev.here.formats.wire;

/** Why a peer says no. The code is the ordinal plus one. */
public enum RefusalCode {
  /** The standby does not protect this VM or does not know the session. */
  UNKNOWN_VM,
  /** A higher fencing token has been seen: whoever sends is no owner any more. */
  FENCED,
  /** The standby already runs the guest. */
  TAKEN_OVER,
  /** The standby's hypervisor cannot carry the guest. */
  UNSUITABLE,
  /** What came breaks the protocol. */
  PROTOCOL,
  /** The standby lacks memory or disk, or failed itself. */
  FAILED
}
