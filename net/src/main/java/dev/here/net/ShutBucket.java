package dev.here.net;

import dev.here.ffi.Errno;
import dev.here.ffi.NativeException;
import dev.here.ffi.PacketSocket;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import java.lang.foreign.Arena;

/**
 * A token bucket (net/sched/sch_tbf.c) that is either shut or open: each frame costs a million
 * bytes more than it has, so at one byte a second none leaves within eleven days, and at the other
 * rate none waits. Each change of the rate fills the bucket, which lets one frame out, and wakes
 * nothing that waits; so whoever changes it sends a frame of its own into it, which the interface
 * drops as nobody's (drivers/net/ifb.c). Who makes one keeps the socket for that: the kernel takes
 * some 10 ms to close one (net/packet/af_packet.c, packet_release).
 */
final class ShutBucket implements AutoCloseable {
  static final String KIND = "tbf";

  static final int WEIGHT_BYTES = 1_000_000;

  /** One frame with its weight, and not two. */
  private static final int BURST_BYTES = 1_200_000;

  private static final long SHUT_RATE = 1;

  /** A frame costs some nanoseconds. */
  private static final long OPEN_RATE = 100_000_000_000_000L;

  private static final long SHUTTING_NANOS = 50_000_000;
  private static final int FILLER_BYTES = 60;

  private static final TrafficControl.Bucket BUCKET =
      new TrafficControl.Bucket(WEIGHT_BYTES, BURST_BYTES, GateLink.LIMIT_FRAMES);

  private final GateLink link;
  private final PacketSocket fillers;
  private volatile boolean open = true;

  private ShutBucket(GateLink link, PacketSocket fillers) {
    this.link = link;
    this.fillers = fillers;
  }

  /**
   * Gives an interface a bucket, open.
   *
   * @throws NativeException ENOENT where the kernel has no sch_tbf
   */
  static ShutBucket make(RouteNetlink netlink, GateLink link) {
    netlink.request(BUCKET.add(link.index(), OPEN_RATE), "make a token bucket");
    return new ShutBucket(link, fillers(link));
  }

  GateLink link() {
    return link;
  }

  boolean isOpen() {
    return open;
  }

  void open(RouteNetlink netlink) {
    change(netlink, link, OPEN_RATE, fillers);
    open = true;
  }

  /** Opens the bucket of an interface, whoever made it; what it held leaves. */
  static void open(RouteNetlink netlink, GateLink link) {
    try (PacketSocket fillers = fillers(link)) {
      change(netlink, link, OPEN_RATE, fillers);
    }
  }

  /** Shuts it; a frame that comes at this very moment may still leave. */
  void shutLoosely(RouteNetlink netlink) {
    change(netlink, link, SHUT_RATE, fillers);
    open = false;
  }

  private static PacketSocket fillers(GateLink link) {
    return PacketSocket.open(link.index(), 0);
  }

  private static void change(RouteNetlink netlink, GateLink link, long rate, PacketSocket fillers) {
    netlink.request(BUCKET.rate(link.index(), rate), "change the rate of a token bucket");
    try (Arena arena = Arena.ofConfined()) {
      int result = fillers.send(arena.allocate(FILLER_BYTES));
      // A full one drops the frame, and is woken all the same.
      if (result < 0 && result != -Errno.ENOBUFS) {
        throw new NativeException(-result, "send a frame to a token bucket");
      }
    }
  }

  /** Whether all that was in it has gone on within a time. */
  boolean awaitDrained(RouteNetlink netlink, long limitNanos) {
    return Draining.await(() -> link.isDrained(netlink), limitNanos);
  }

  /**
   * Shuts it for every frame; nothing is redirected to it now, and it is empty.
   *
   * @throws GateException when it could not be shut
   */
  void shut(RouteNetlink netlink) {
    int sent = link.queue(netlink).sent();
    change(netlink, link, SHUT_RATE, fillers);
    // The interface may still be busy with what went before.
    if (!Draining.await(() -> link.queue(netlink).sent() != sent, SHUTTING_NANOS)) {
      throw new GateException(
          "the token bucket of interface %d cannot be emptied".formatted(link.index()));
    }
    open = false;
  }

  HeldFrames held(RouteNetlink netlink) {
    return link.held(netlink);
  }

  /** Ends what this process has of it; the bucket stays as it is. */
  @Override
  public void close() {
    fillers.close();
  }
}
