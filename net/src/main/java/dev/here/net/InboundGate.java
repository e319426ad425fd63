package dev.here.net;

import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl.Plug;
import java.util.Optional;

/**
 * Holds frames for the guest while a hypervisor that would lose them stops it. Where the kernel has
 * no plug a token bucket does it.
 *
 * @param link where they are held
 * @param bucket empty where it is a plug
 */
record InboundGate(GateLink link, Optional<ShutBucket> bucket) implements AutoCloseable {
  /** Makes it at a port that has places for filters, open, and redirects the port to it. */
  static InboundGate make(RouteNetlink netlink, GateLink link) {
    boolean plugged = PlugQueue.install(netlink, link);
    var gate =
        new InboundGate(
            link, plugged ? Optional.empty() : Optional.of(ShutBucket.make(netlink, link)));
    try {
      new PortFilter(link.port(), PortFilter.Way.TO_GUEST).redirect(netlink, link.index());
      return gate;
    } catch (RuntimeException e) {
      gate.close();
      throw e;
    }
  }

  /** Holds frames from now on. */
  void hold(RouteNetlink netlink) {
    bucket.ifPresentOrElse(
        own -> own.shutLoosely(netlink), () -> PlugQueue.tell(netlink, link, Plug.BUFFER));
  }

  /** Lets all of them go; later ones pass. */
  void pass(RouteNetlink netlink) {
    bucket.ifPresentOrElse(
        own -> own.open(netlink), () -> PlugQueue.tell(netlink, link, Plug.RELEASE_INDEFINITE));
  }

  /** Ends what this process has of it; the gate stays. */
  @Override
  public void close() {
    bucket.ifPresent(ShutBucket::close);
  }
}
