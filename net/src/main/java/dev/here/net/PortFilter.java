package dev.here.net;

import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import java.util.Optional;

/**
 * The filter with which a port's frames go to a gate in place of going on. It is the first that is
 * asked: behind another's, frames could pass it by.
 *
 * @param port index of the port
 * @param way which of its frames
 */
record PortFilter(int port, Way way) {
  /** A port's two ways, as the host sees them. */
  enum Way {
    /** What the guest sends. */
    FROM_GUEST(TrafficControl.TC_H_MIN_INGRESS, 1),
    /** What is sent to the guest. */
    TO_GUEST(TrafficControl.TC_H_MIN_EGRESS, 2);

    private final int side;

    /**
     * Filters with a lower one are asked before. Not the same for both: the kernel lists the u32
     * filters of one preference on either way with the other's (net/sched/cls_u32.c, u32_walk).
     */
    private final int preference;

    Way(int side, int preference) {
      this.side = side;
      this.preference = preference;
    }

    int side() {
      return side;
    }
  }

  /** Sends frames to the interface {@code entry} from now on. */
  void redirect(RouteNetlink netlink, int entry) {
    netlink.request(
        TrafficControl.redirect(port, way.side, way.preference, entry),
        "redirect the frames of interface " + port);
  }

  /** The filter as the kernel has it; empty when it is not there. */
  Optional<TrafficControl.Filter> find(RouteNetlink netlink) {
    return TrafficControl.filters(netlink, port, way.side).stream()
        .filter(filter -> filter.preference() == way.preference && filter.isRedirection())
        .findFirst();
  }

  /** The filter that {@link #redirect} made. */
  PlacedFilter placed(RouteNetlink netlink) {
    return find(netlink)
        .map(there -> new PlacedFilter(this, there))
        .orElseThrow(() ->
            new GateException(
                "someone has removed the filter of interface %d at once".formatted(port)));
  }

  /** The request that lets frames take their own way again. */
  NetlinkMessage remove() {
    return TrafficControl.deleteFilters(port, way.side, way.preference);
  }
}
