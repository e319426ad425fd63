package dev.here.replication;

/** A lease whose third party is not always heard, nor always hears, and which can be inherited. */
final class UnansweredLease implements Lease {
  /** What becomes of a write. */
  enum Write {
    ANSWERED,
    /** It is done, and nobody here learns of it. */
    ANSWER_LOST,
    REQUEST_LOST
  }

  private final Lease lease;
  private volatile Write write = Write.ANSWERED;
  private volatile boolean replaced;

  UnansweredLease(Lease lease) {
    this.lease = lease;
  }

  void write(Write what) {
    write = what;
  }

  /** Another process of this host has it. */
  void beReplaced() {
    replaced = true;
  }

  @Override
  public void allowTakeOver(boolean allowed) {
    Write what = write;
    if (what != Write.REQUEST_LOST) {
      lease.allowTakeOver(allowed);
    }
    if (what != Write.ANSWERED) {
      throw new OwnershipException("no answer came");
    }
  }

  @Override
  public long token() {
    return lease.token();
  }

  @Override
  public boolean mayRelease() {
    return !replaced && lease.mayRelease();
  }

  @Override
  public long releasableUntilNanos() {
    return lease.releasableUntilNanos();
  }

  @Override
  public boolean isLost() {
    return replaced || lease.isLost();
  }

  @Override
  public boolean isReplaced() {
    return replaced;
  }

  @Override
  public void close() {
    lease.close();
  }
}
