package dev.here.net;

import dev.here.ffi.KernelReply;
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
  private static final long OPENING_NANOS = 2_000_000_000L;

  private final PortFilter filter;
  private final ShutBucket[] buckets;
  private Optional<PlacedFilter> placed = Optional.empty();

  /** Which one frames are redirected to. */
  private volatile int taking;

  /** Epoch of the other one's lot, until it has been released, emptied and shut again. */
  private Optional<Long> older = Optional.empty();

  private BucketPairQueue(PortFilter filter, ShutBucket first, ShutBucket second) {
    this.filter = filter;
    this.buckets = new ShutBucket[] {first, second};
  }

  /** Of two new interfaces; the first is open and to be redirected to. */
  static BucketPairQueue make(
      RouteNetlink netlink, PortFilter filter, ShutBucket first, ShutBucket second) {
    var queue = new BucketPairQueue(filter, first, second);
    try {
      second.shut(netlink);
      return queue;
    } catch (RuntimeException e) {
      queue.close();
      throw e;
    }
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
    placed = Optional.of(filter.placed(netlink));
  }

  @Override
  public List<NetlinkMessage> boundary() {
    PlacedFilter leading = placed.orElseThrow();
    return older.isPresent()
        ? List.of(leading.ask())
        : List.of(leading.ask(), leading.redirectTo(other().link().index()));
  }

  @Override
  public void bounded(long epoch, List<KernelReply> replies) {
    int entry = entry();
    if (older.isEmpty() && replies.getLast().isDone()) {
      taking = 1 - taking;
      older = Optional.of(epoch);
    }
    placed.orElseThrow().require(replies.getFirst(), entry);
    replies.getLast().require("end an epoch at " + current().link());
  }

  @Override
  public void release(RouteNetlink netlink, long epoch) {
    if (older.filter(waiting -> waiting <= epoch).isEmpty()) {
      return;
    }
    ShutBucket leaving = other();
    if (!leaving.isOpen()) {
      leaving.open(netlink);
    }
    if (leaving.awaitDrained(netlink, DRAIN_NANOS)) {
      leaving.shut(netlink);
      older = Optional.empty();
    }
  }

  /** Goes by the kernel: a boundary may have been given up half-way. */
  @Override
  public void open(RouteNetlink netlink) {
    int entry = filter.find(netlink).map(TrafficControl.Filter::redirectsTo).orElse(entry());
    taking = buckets[0].link().index() == entry ? 0 : 1;
    ShutBucket leaving = other();
    leaving.open(netlink);
    if (!leaving.awaitDrained(netlink, OPENING_NANOS)) {
      throw new GateException(
          "%s does not let its frames go: %s".formatted(leaving.link(), leaving.held(netlink)));
    }
    leaving.shut(netlink);
    older = Optional.empty();
    Draining.settle();
    current().open(netlink);
  }

  @Override
  public HeldFrames held(RouteNetlink netlink) {
    return buckets[0].held(netlink).plus(buckets[1].held(netlink));
  }

  @Override
  public boolean isFilling(HeldFrames held) {
    return held.frames() > GateLink.LIMIT_FRAMES / 2 || held.bytes() > GateLink.LIMIT_BYTES / 2;
  }

  @Override
  public boolean hasNew(RouteNetlink netlink) {
    ShutBucket now = current();
    return !now.isOpen() && now.held(netlink).frames() > 0;
  }

  @Override
  public void close() {
    for (ShutBucket bucket : buckets) {
      bucket.close();
    }
  }
}
