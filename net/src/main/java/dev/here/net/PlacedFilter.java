package dev.here.net;

import dev.here.ffi.KernelReply;
import dev.here.ffi.NativeException;
import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.TrafficControl;

/**
 * A port's filter as the kernel has it since it was made. Others can remove it (with {@code tc}, or
 * with the port's clsact), and then frames pass the gate by.
 *
 * @param filter where it is
 * @param there the kernel's name for it
 */
record PlacedFilter(PortFilter filter, TrafficControl.Filter there) {
  /** Asks for it, for {@link #require}. */
  NetlinkMessage ask() {
    return TrafficControl.askFilter(filter.port(), filter.way().side(), there);
  }

  /**
   * Does nothing when the kernel's reply says that frames are still sent to an interface.
   *
   * @throws GateException when they are not
   */
  void require(KernelReply reply, int entry) {
    int target;
    try {
      target = TrafficControl.Filter.of(reply).redirectsTo();
    } catch (NativeException e) {
      throw lost("it is gone (%s)".formatted(e.errnoName()));
    }
    if (target != entry) {
      throw lost("it sends them to interface %d in place of %d".formatted(target, entry));
    }
  }

  private GateException lost(String how) {
    return new GateException(
        "someone has changed the filter that leads frames of interface %d into their gate: %s; frames may have left since. See `tc filter show`, and protect the guest again"
            .formatted(filter.port(), how));
  }

  /** The request that sends frames to {@code entry} from now on; none passes in between. */
  NetlinkMessage redirectTo(int entry) {
    return TrafficControl.redirect(filter.port(), filter.way().side(), there, entry);
  }
}
