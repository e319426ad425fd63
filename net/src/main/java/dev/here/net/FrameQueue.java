package dev.here.net;

import dev.here.ffi.KernelReply;
import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.RouteNetlink;
import java.util.List;

/**
 * The kernel's queue in which a port's frames wait for the end and the commit of their epoch. It
 * holds at most two lots: what came before the last boundary and has not been released, and what
 * came since. It begins open. What it holds does not depend on this process.
 *
 * <p>One thread changes it; {@link #held} and {@link #hasNew} may come from others.
 */
interface FrameQueue extends AutoCloseable {
  /** The interface that frames are to be redirected to, in place of going on from their port. */
  int entry();

  /** The interfaces that it is made of. */
  List<GateLink> links();

  /** The port's frames are redirected to {@link #entry} now. */
  void attached(RouteNetlink netlink);

  /**
   * The requests that end an epoch: later frames are held for themselves. Where the lot before has
   * not been released it goes on taking frames. They also ask whether frames still come here.
   */
  List<NetlinkMessage> boundary();

  /**
   * What the kernel said to {@link #boundary}; what it has done counts, whatever else failed.
   *
   * @throws GateException when frames may pass it by, or it does not hold right
   * @throws dev.here.ffi.NativeException when the epoch was not ended
   */
  void bounded(long epoch, List<KernelReply> replies);

  /**
   * The older lot leaves, if it is of {@code epoch} or before. It may stay until the next time
   * where the lot before it is still leaving.
   *
   * @throws GateException when other frames have left, too
   */
  void release(RouteNetlink netlink, long epoch);

  /** All leaves in its order, and later frames pass. */
  void open(RouteNetlink netlink);

  /** Frames held, of both lots. */
  HeldFrames held(RouteNetlink netlink);

  /** Whether it is about to be full with these in it, and would lose frames as a full link does. */
  boolean isFilling(HeldFrames held);

  /** Whether frames came since the last boundary; true where that cannot be told. */
  boolean hasNew(RouteNetlink netlink);

  /** Ends what this process has of it; the queue stays as it is. */
  @Override
  default void close() {}
}
