package dev.here.net;

import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.TrafficControl;

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
    FROM_GUEST(TrafficControl.TC_H_MIN_INGRESS),
    /** What is sent to the guest. */
    TO_GUEST(TrafficControl.TC_H_MIN_EGRESS);

    private final int side;

    Way(int side) {
      this.side = side;
    }

    int side() {
      return side;
    }
  }

  static final int PREFERENCE = 1;

  /** The request that sends frames to the interface {@code entry}. */
  NetlinkMessage redirect(int entry, boolean isThere) {
    return TrafficControl.redirect(port, way.side, PREFERENCE, entry, isThere);
  }

  /** The request that lets frames take their own way again. */
  NetlinkMessage remove() {
    return TrafficControl.deleteFilters(port, way.side, PREFERENCE);
  }
}
