package dev.here.net;

import dev.here.ffi.NativeException;
import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import dev.here.ffi.TrafficControl.Plug;
import java.util.List;
import java.util.Optional;

/**
 * A queue that is the kernel's plug (net/sched/sch_plug.c). The plug counts its frames in two
 * numbers only, those before and those after the last BUFFER: a second BUFFER before a release
 * would forget the first number, so it is not given.
 */
final class PlugQueue implements FrameQueue {
  static final String KIND = "plug";

  /** The kernel keeps most of a kilobyte more for each frame, which the plug does not count. */
  private static final int FILLING_FRAMES = 32 << 10;

  private final GateLink link;
  private volatile boolean open = true;
  private volatile boolean unreleased;

  private PlugQueue(GateLink link) {
    this.link = link;
  }

  /**
   * Gives an interface a plug, open.
   *
   * @throws NativeException ENOENT where the kernel has no sch_plug
   */
  static PlugQueue make(RouteNetlink netlink, GateLink link, int limitBytes) {
    // Alone: where the kernel has no plug nothing follows.
    netlink.request(TrafficControl.addPlug(link.index(), limitBytes), "make a plug");
    netlink.request(
        TrafficControl.plug(link.index(), Plug.RELEASE_INDEFINITE), "open a plug");
    return new PlugQueue(link);
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
  public void attached(RouteNetlink netlink) {}

  @Override
  public Optional<NetlinkMessage> boundary() {
    return unreleased
        ? Optional.empty()
        : Optional.of(TrafficControl.plug(link.index(), Plug.BUFFER));
  }

  @Override
  public void bounded() {
    open = false;
    unreleased = true;
  }

  @Override
  public void release(RouteNetlink netlink) {
    if (unreleased) {
      netlink.request(TrafficControl.plug(link.index(), Plug.RELEASE_ONE), "release frames");
      unreleased = false;
    }
  }

  @Override
  public void open(RouteNetlink netlink) {
    netlink.request(TrafficControl.plug(link.index(), Plug.RELEASE_INDEFINITE), "open a plug");
    unreleased = false;
    open = true;
  }

  @Override
  public HeldFrames held(RouteNetlink netlink) {
    return link.held(netlink);
  }

  @Override
  public boolean isFilling(HeldFrames held) {
    return held.bytes() > GateLink.LIMIT_BYTES / 2 || held.frames() > FILLING_FRAMES;
  }

  @Override
  public boolean hasNew(RouteNetlink netlink) {
    return unreleased || !open && link.queue(netlink).frames() > 0;
  }
}
