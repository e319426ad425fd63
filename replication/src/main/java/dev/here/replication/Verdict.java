package dev.here.replication;

/** What is wrong, as far as one host can tell. */
public enum Verdict {
  /** Nothing. */
  HEALTHY,
  /** The hypervisor's process or its connection has ended. */
  GUEST_CRASHED,
  /** The hypervisor does not answer, or its guest stands still although it should run. */
  GUEST_HUNG,
  /** The peer says nothing; nobody was asked why yet. */
  PEER_SILENT,
  /** The peer says nothing and does not own the VM any more. */
  PEER_GONE,
  /** The peer says nothing to us and still renews its lease: the way between us is cut. */
  PARTITIONED,
  /** Neither the peer nor the third party answers: it is we who are cut off. */
  ISOLATED
}
