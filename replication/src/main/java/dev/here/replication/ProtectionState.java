package dev.here.replication;

/** Where a protection stands, on the primary. */
public enum ProtectionState {
  /** The standby has not been reached yet; the guest runs unprotected. */
  CONNECTING(false),
  /** The standby is being filled; the guest runs unprotected. */
  SEEDING(false),
  /** Checkpoints are committed; a failover loses nothing. */
  PROTECTED(false),
  /** The standby was lost a moment ago; the guest's frames are held while it is looked for. */
  RECONNECTING(false),
  /** The guest runs unprotected, its frames pass, the standby is being looked for. */
  ALONE(false),
  /** Planned move: the last checkpoint is on its way. */
  SWITCHING_OVER(false),
  /** Protection was ended by command; the guest goes on here. */
  UNPROTECTED(true),
  /** The guest goes on at the standby, planned. */
  SWITCHED_OVER(true),
  /** The guest crashed or hung here and was left to the standby. */
  HANDED_OVER(true),
  /** Another host owns the VM; the copy here was ended. */
  FENCED(true),
  /** Another process of this host has the guest, the frames and the lease: all is left to it. */
  REPLACED(true),
  /** The guest is gone, and no standby could take it over. */
  LOST(true),
  /** Protection ended because of a failure; the guest goes on here, unprotected. */
  FAILED(true);

  private final boolean isFinal;

  ProtectionState(boolean isFinal) {
    this.isFinal = isFinal;
  }

  /** The protection has ended. */
  public boolean isFinal() {
    return isFinal;
  }
}
