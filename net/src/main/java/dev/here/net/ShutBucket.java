package dev.here.net;

import dev.here.ffi.NativeException;
import dev.here.ffi.PacketSocket;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A token bucket (net/sched/sch_tbf.c) that is either shut or open: each frame costs a million
 * bytes more than it has, so at one byte a second none leaves within eleven days, and at the other
 * rate none waits. Each change of the rate fills the bucket, which lets one frame out; so whoever
 * shuts it sends a frame of its own into it, which the interface drops as nobody's (drivers/net/ifb.c).
 */
final class ShutBucket implements AutoCloseable {
  private static final int WEIGHT_BYTES = 1_000_000;

  /** One frame with its weight, and not two. */
  private static final int BURST_BYTES = 1_200_000;

  static final long SHUT_RATE = 1;

  /** A frame costs some nanoseconds. */
  static final long OPEN_RATE = 100_000_000_000_000L;

  private static final int FILLER_BYTES = 60;

  private final GateLink link;
  private final TrafficControl.Bucket bucket;
  private final PacketSocket filler;
  private volatile boolean open = true;

  private ShutBucket(GateLink link, TrafficControl.Bucket bucket, PacketSocket filler) {
    this.link = link;
    this.bucket = bucket;
    this.filler = filler;
  }

  /**
   * Gives an interface a bucket, open.
   *
   * @throws NativeException ENOENT where the kernel has no sch_tbf
   */
  static ShutBucket make(RouteNetlink netlink, GateLink link, int limitFrames) {
    TrafficControl.Bucket bucket = ofFrames(limitFrames);
    netlink.request(bucket.add(link.index(), OPEN_RATE), "make a token bucket");
    return new ShutBucket(link, bucket, PacketSocket.open(link.index(), 0));
  }

  static TrafficControl.Bucket ofFrames(int limitFrames) {
    return new TrafficControl.Bucket(WEIGHT_BYTES, BURST_BYTES, limitFrames);
  }

  /** Frames of a bucket's queue. */
  static HeldFrames heldIn(TrafficControl.Discipline queue) {
    long bytes = queue.bytes() - queue.frames() * WEIGHT_BYTES & 0xffffffffL;
    return new HeldFrames(queue.frames(), bytes, queue.dropped() & 0xffffffffL);
  }

  GateLink link() {
    return link;
  }

  boolean isOpen() {
    return open;
  }

  void open(RouteNetlink netlink) {
    netlink.request(bucket.rate(link.index(), OPEN_RATE), "open a token bucket");
    open = true;
  }

  /**
   * Shuts it; nothing is redirected to it now, and it is empty.
   *
   * @throws GateException when it could not be shut
   */
  void shut(RouteNetlink netlink) {
    netlink.request(bucket.rate(link.index(), SHUT_RATE), "shut a token bucket");
    int sent = link.queue(netlink).sent();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment frame = arena.allocate(FILLER_BYTES);
      int result = filler.send(frame);
      if (result < 0 || link.queue(netlink).sent() == sent) {
        throw new GateException(
            "the token bucket of interface %d cannot be emptied: errno %d"
                .formatted(link.index(), -result));
      }
    }
    open = false;
  }

  HeldFrames held(RouteNetlink netlink) {
    return link.held(netlink);
  }

  @Override
  public void close() {
    filler.close();
  }
}
