package dev.here.net;

import dev.here.ffi.Errno;
import dev.here.ffi.KernelReply;
import dev.here.ffi.NativeException;
import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import dev.here.ffi.TrafficControl.Discipline;
import dev.here.ffi.TrafficControl.Plug;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A queue that is the kernel's plug (net/sched/sch_plug.c). The plug counts its frames in numbers
 * only, those before and those after the last BUFFER and those that are to leave: a second BUFFER
 * before a release would forget the first number, so it is not given.
 *
 * <p>It changes its numbers without a lock, against frames that come and go on other processors. So
 * it begins with all of them at zero, a lot is released when the one before has left ({@link
 * PlugTally}), and what has left is compared with what might.
 */
final class PlugQueue implements FrameQueue {
  static final String KIND = "plug";

  /** The kernel's own memory for a small frame, of which its octets are the smallest part. */
  static final int WEIGHT_BYTES = 1_000;

  private static final long LEAVING_NANOS = 5_000_000;

  private final GateLink link;
  private final PortFilter filter;
  private final PlugTally tally = new PlugTally();
  private Optional<PlacedFilter> placed = Optional.empty();
  private volatile boolean open = true;

  /** Epoch of the older lot, while it has not been released. */
  private volatile Optional<Long> older = Optional.empty();

  private PlugQueue(GateLink link, PortFilter filter) {
    this.link = link;
    this.filter = filter;
  }

  /** Of an interface that has a plug, open. */
  static PlugQueue of(GateLink link, PortFilter filter) {
    return new PlugQueue(link, filter);
  }

  /** Gives an interface a plug, open; false where the kernel has no sch_plug. */
  static boolean install(RouteNetlink netlink, GateLink link) {
    try {
      netlink.request(
          TrafficControl.addPlug(link.index(), GateLink.LIMIT_BYTES, WEIGHT_BYTES), "make a plug");
    } catch (NativeException e) {
      if (e.errno() == Errno.ENOENT) {
        return false;
      }
      throw e;
    }
    tell(netlink, link, Plug.RELEASE_INDEFINITE);
    return true;
  }

  /** Changes the plug of an interface, whoever made it. */
  static void tell(RouteNetlink netlink, GateLink link, Plug what) {
    netlink.request(message(link, what), "tell the plug of %s to %s".formatted(link, what));
  }

  private static NetlinkMessage message(GateLink link, Plug what) {
    return TrafficControl.plug(link.index(), what, WEIGHT_BYTES);
  }

  @Override
  public int entry() {
    return link.index();
  }

  @Override
  public List<GateLink> links() {
    return List.of(link);
  }

  @Override
  public void attached(RouteNetlink netlink) {
    placed = Optional.of(filter.placed(netlink));
  }

  @Override
  public List<NetlinkMessage> boundary() {
    List<NetlinkMessage> messages = new ArrayList<>();
    messages.add(placed.orElseThrow().ask());
    if (older.isEmpty()) {
      if (open) {
        // A frame that passed while it was being opened may have been counted as held.
        messages.add(message(link, Plug.RELEASE_INDEFINITE));
      }
      NetlinkMessage look = TrafficControl.askRoot(link.index());
      messages.addAll(List.of(look, message(link, Plug.BUFFER), look, look));
    }
    return messages;
  }

  @Override
  public void bounded(long epoch, List<KernelReply> replies) {
    if (older.isEmpty()) {
      int before = replies.size() - 4;
      replies.get(before + 1).require("end an epoch at " + link);
      boolean wasOpen = open;
      open = false;
      older = Optional.of(epoch);
      tally.bounded(
          wasOpen,
          Discipline.of(replies.get(before)),
          Discipline.of(replies.get(before + 2)),
          Discipline.of(replies.get(before + 3)));
    }
    placed.orElseThrow().require(replies.getFirst(), entry());
  }

  @Override
  public void release(RouteNetlink netlink, long epoch) {
    if (older.filter(waiting -> waiting <= epoch).isEmpty()) {
      return;
    }
    Draining.await(() -> tally.hasLeft(link.queue(netlink)), LEAVING_NANOS);
    if (tally.mayRelease(link.queue(netlink))) {
      tell(netlink, link, Plug.RELEASE_ONE);
      tally.released();
      older = Optional.empty();
    }
  }

  @Override
  public void open(RouteNetlink netlink) {
    tell(netlink, link, Plug.RELEASE_INDEFINITE);
    older = Optional.empty();
    open = true;
  }

  @Override
  public HeldFrames held(RouteNetlink netlink) {
    return link.held(netlink);
  }

  @Override
  public boolean isFilling(HeldFrames held) {
    return held.bytes() + held.frames() * WEIGHT_BYTES > GateLink.LIMIT_BYTES / 2;
  }

  @Override
  public boolean hasNew(RouteNetlink netlink) {
    return older.isPresent() || !open && link.queue(netlink).frames() > 0;
  }
}
