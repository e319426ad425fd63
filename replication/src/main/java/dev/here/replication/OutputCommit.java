package dev.here.replication;

/**
 * Output commit: frames of an epoch leave after that epoch is committed, and only while this host
 * owns the VM, asked immediately before. One thread, the loop's; {@link #pending} may be read by
 * others.
 */
final class OutputCommit {
  private final FrameOutput output;
  private final Lease lease;
  private final TakeOverPermission takeOver;
  private volatile long ended;
  private volatile long released;
  private boolean open = true;

  OutputCommit(FrameOutput output, Lease lease, TakeOverPermission takeOver) {
    this.output = output;
    this.lease = lease;
    this.takeOver = takeOver;
  }

  /** The guest stands still at the end of {@code epoch}. */
  void boundary(long epoch) {
    output.endEpoch(epoch);
    if (open) {
      // What came before has passed: the epoch has no frames to wait for.
      open = false;
      released = epoch;
    }
    ended = epoch;
  }

  /**
   * {@code epoch} is committed.
   *
   * @return whether its frames have left; otherwise they stay held and this is to be tried again
   */
  boolean committed(long epoch) {
    if (!lease.mayRelease()) {
      return false;
    }
    output.release(epoch);
    released = Math.max(released, epoch);
    return true;
  }

  /**
   * Protection rests: the guest's frames pass.
   *
   * @throws OwnershipException when the standby could still take over; frames stay held
   */
  void open() {
    takeOver.refuse();
    if (lease.isLost()) {
      throw new OwnershipException("another host owns the VM");
    }
    output.passThrough();
    open = true;
    released = ended;
  }

  /** The guest goes on elsewhere: what is held must never leave. */
  void discard() {
    output.discard();
  }

  boolean isOpen() {
    return open;
  }

  /** Epochs whose frames wait for their commit. */
  long pending() {
    return Math.max(0, ended - released);
  }
}
