package dev.here.replication;

/**
 * Ownership of one VM, for a while. Renewed in the background by who made it. Its validity is
 * judged by this host's monotonic clock against the moment at which the last successful renewal was
 * <em>sent</em>, so it ends here before the third party gives the VM to anyone else.
 */
public interface Lease extends AutoCloseable {
  /** The fencing token: higher than that of every earlier owner. */
  long token();

  /**
   * Whether frames may leave this host <em>now</em>. Cheap, without a call to the third party;
   * asked immediately before each release.
   */
  boolean mayRelease();

  /**
   * Until when, by {@link System#nanoTime}, frames may leave without another look: for who releases
   * them in another process. In the past when they may not leave now.
   */
  long releasableUntilNanos();

  /**
   * Another host is known to own the VM, or to have owned it since. A lease that merely could not
   * be renewed is not lost: frames stay held until it is certain again, or somebody else's.
   */
  boolean isLost();

  /**
   * It is lost to another process of this host, which believed its holder dead: that one decides
   * about guest and frames now, and the guest here is no second one.
   */
  boolean isReplaced();

  /**
   * Writes down whether a standby of this owner may take over when the lease ends. It must not
   * while frames leave that no committed checkpoint knows of.
   *
   * @throws OwnershipException when it is not certain that the third party has written it
   */
  void allowTakeOver(boolean allowed);

  /** Gives the VM up at once, so that a standby need not wait for the lease to run out. */
  @Override
  void close();
}
