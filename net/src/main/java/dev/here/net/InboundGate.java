package dev.here.net;

import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl.Plug;

/**
 * Holds frames for the guest while a hypervisor that would lose them stops it. Where the kernel has
 * no plug a token bucket does it.
 *
 * @param link where they are held
 * @param plugged whether it is a plug
 */
record InboundGate(GateLink link, boolean plugged) {
  /** Makes it at a port that has places for filters, open, and redirects the port to it. */
  static InboundGate make(RouteNetlink netlink, GateLink link) {
    boolean plugged = PlugQueue.install(netlink, link);
    if (!plugged) {
      ShutBucket.make(netlink, link);
    }
    new PortFilter(link.port(), PortFilter.Way.TO_GUEST).redirect(netlink, link.index());
    return new InboundGate(link, plugged);
  }

  /** Holds frames from now on. */
  void hold(RouteNetlink netlink) {
    if (plugged) {
      PlugQueue.tell(netlink, link, Plug.BUFFER);
    } else {
      ShutBucket.shut(netlink, link);
    }
  }

  /** Lets all of them go; later ones pass. */
  void pass(RouteNetlink netlink) {
    if (plugged) {
      PlugQueue.tell(netlink, link, Plug.RELEASE_INDEFINITE);
    } else {
      ShutBucket.open(netlink, link);
    }
  }
}
