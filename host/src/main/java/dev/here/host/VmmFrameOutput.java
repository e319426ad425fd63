package dev.here.host;

import dev.here.driver.vmm.VmmFrames;
import dev.here.replication.FrameOutput;
import dev.here.replication.Lease;

/**
 * The gate of a guest in a VMM of ours as output commit needs it.
 *
 * @param lease a release carries until when it can be relied on, since the frames leave elsewhere
 */
record VmmFrameOutput(VmmFrames frames, Lease lease) implements FrameOutput {
  @Override
  public void endEpoch(long epoch) {
    frames.hold(epoch);
  }

  @Override
  public void release(long epoch) {
    frames.release(epoch, lease.releasableUntilNanos());
  }

  @Override
  public void passThrough() {
    frames.pass();
  }

  @Override
  public void discard() {
    frames.discard();
  }

  /** As the VMM last told, which was at the release: what is held since then is not seen. */
  @Override
  public boolean hasSent() {
    return frames.heldFrames() > 0;
  }

  @Override
  public int heldFrames() {
    return frames.heldFrames();
  }

  @Override
  public long heldBytes() {
    return frames.heldBytes();
  }
}
