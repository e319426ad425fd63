package dev.here.replication;

/**
 * Whether the standby may take over, as this host knows it of the third party's record. A write
 * whose answer is lost may have been done or not: neither is relied on until another one is
 * answered. Written by one thread, the loop's; read by others.
 */
final class TakeOverPermission {
  private enum Known {
    REFUSED,
    UNCERTAIN,
    ALLOWED
  }

  private final Lease lease;
  private volatile Known known = Known.REFUSED;

  /**
   * @param lease as it was granted: it refuses
   */
  TakeOverPermission(Lease lease) {
    this.lease = lease;
  }

  /**
   * Has the record allow it, if that is not certain yet.
   *
   * @throws OwnershipException when the third party does not answer
   */
  void allow() {
    if (known != Known.ALLOWED) {
      write(true, Known.ALLOWED);
    }
  }

  /**
   * Has the record refuse it.
   *
   * @throws OwnershipException when the third party does not answer
   */
  void refuse() {
    write(false, Known.REFUSED);
  }

  private void write(boolean allowed, Known then) {
    known = Known.UNCERTAIN;
    lease.allowTakeOver(allowed);
    known = then;
  }

  /** Certainly. */
  boolean isGiven() {
    return known == Known.ALLOWED;
  }

  /** Certainly not. */
  boolean isRefused() {
    return known == Known.REFUSED;
  }
}
