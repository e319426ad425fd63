package dev.here.replication;

/** Where a standby stands. */
public enum FailoverState {
  /** The primary is heard; checkpoints come. */
  WATCHING,
  /** Something is wrong; nobody has decided yet. */
  SUSPECTING,
  /** The guest is to go on here as soon as the lease is granted. */
  ACQUIRING,
  /** The guest is being started here. */
  ACTIVATING,
  /** The guest runs here. */
  RUNNING,
  /** The replica is of no use any more: protection was ended. */
  RELEASED,
  /** The lease is ours, but the guest could not be started. */
  FAILED
}
