package dev.here.net;

import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import java.util.List;
import java.util.Optional;

/**
 * A queue for kernels without a plug: two interfaces with a token bucket each, which take the
 * epochs in turn. A boundary redirects the port to the other one, which must be shut and empty; so
 * each is shut while nothing comes to it.
 */
final class BucketPairQueue implements FrameQueue {
  private static final long DRAIN_NANOS = 100_000_000;

  private final PortFilter filter;
  private final ShutBucket[] buckets;
  private Optional<TrafficControl.Filter> there = Optional.empty();

  /** Which one frames are redirected to. */
  private volatile int taking;

  /** Whether the other one has not been released, emptied and shut again. */
  private volatile boolean holdsOlder;

  private BucketPairQueue(PortFilter filter, ShutBucket first, ShutBucket second) {
    this.filter = filter;
    this.buckets = new ShutBucket[] {first, second};
  }

  /** Of two new interfaces; the first is open and to be redirected to. */
  static BucketPairQueue make(
      RouteNetlink netlink, PortFilter filter, ShutBucket first, ShutBucket second) {
    second.shut(netlink);
    return new BucketPairQueue(filter, first, second);
  }

  private ShutBucket current() {
    return buckets[taking];
  }

  private ShutBucket other() {
    return buckets[1 - taking];
  }

  @Override
  public int entry() {
    return current().link().index();
  }

  @Override
  public List<GateLink> links() {
    return List.of(buckets[0].link(), buckets[1].link());
  }

  @Override
  public void attached(RouteNetlink netlink) {
    there = filter.find(netlink);
  }

  @Override
  public Optional<NetlinkMessage> boundary() {
    return holdsOlder
        ? Optional.empty()
        : Optional.of(filter.redirectTo(other().link().index(), there.orElseThrow()));
  }

  @Override
  public void bounded() {
    taking = 1 - taking;
    holdsOlder = true;
  }

  @Override
  public void release(RouteNetlink netlink) {
    if (!holdsOlder) {
      return;
    }
    ShutBucket older = other();
    if (!older.isOpen()) {
      older.open(netlink);
    }
    if (Draining.await(() -> older.held(netlink).frames() == 0, DRAIN_NANOS)) {
      older.shut(netlink);
      holdsOlder = false;
    }
  }

  @Override
  public void open(RouteNetlink netlink) {
    release(netlink);
    current().open(netlink);
  }

  @Override
  public HeldFrames held(RouteNetlink netlink) {
    return buckets[0].held(netlink).plus(buckets[1].held(netlink));
  }

  @Override
  public boolean isFilling(HeldFrames held) {
    return held.frames() > GateLink.LIMIT_FRAMES / 2;
  }

  @Override
  public boolean hasNew(RouteNetlink netlink) {
    ShutBucket now = current();
    return !now.isOpen() && now.held(netlink).frames() > 0;
  }
}
