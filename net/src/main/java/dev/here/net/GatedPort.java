package dev.here.net;

import dev.here.ffi.LinkFacts;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TcxPrograms;
import dev.here.ffi.TrafficControl;
import java.util.Optional;

/**
 * A guest's port on the host, as far as a gate can be made at it.
 *
 * @param index its number
 * @param name its name
 * @param classifier kind of its places for filters, {@code clsact} or {@code ingress}; empty for
 *     none
 */
record GatedPort(int index, String name, Optional<String> classifier) {
  private static final String INGRESS = "ingress";

  /**
   * Looks at a port, without touching it.
   *
   * @throws GateException when its frames cannot be held, with the reason and the remedy
   */
  static GatedPort require(RouteNetlink netlink, String name) {
    LinkFacts link = link(netlink, name);
    requireNoProgram(link);
    requireNotOfXen(link);
    if (link.kind().equals("macvtap") || link.kind().equals("ipvtap")) {
      throw new GateException(
          "%s is a %s, whose frames go past the host's traffic control: give the card a TAP in a bridge"
              .formatted(name, link.kind()));
    }
    var port = new GatedPort(link.index(), name, TrafficControl.classifier(netlink, link.index()));
    for (PortFilter.Way way : PortFilter.Way.values()) {
      port.requireNoFilters(netlink, way);
    }
    return port;
  }

  /** BPF programs of these kinds decide about frames before the gate's filter is asked. */
  private static void requireNoProgram(LinkFacts link) {
    if (link.xdp()) {
      throw new GateException(
          "%s has an XDP program, which sees frames before HERE can hold them: remove it (ip link set dev %s xdp off)"
              .formatted(link.name(), link.name()));
    }
    for (int side : new int[] {TcxPrograms.BPF_TCX_INGRESS, TcxPrograms.BPF_TCX_EGRESS}) {
      int count = TcxPrograms.count(link.index(), side);
      if (count > 0) {
        throw new GateException(
            "%s has %d BPF programs (tcx), which see frames before HERE can hold them: remove them (bpftool net detach)"
                .formatted(link.name(), count));
      }
    }
  }

  /** Netback answers its guest when a frame's memory is freed: held frames would stop its card. */
  private static void requireNotOfXen(LinkFacts link) {
    boolean named = link.kind().isEmpty() && link.name().startsWith("vif");
    if (named || link.parentBus().equals("xen-backend")) {
      throw new GateException(
          "%s is a Xen vif, whose guest cannot send while its frames are held: give the card an emulated model (type=ioemu), whose frames leave by a TAP"
              .formatted(link.name()));
    }
  }

  private static LinkFacts link(RouteNetlink netlink, String name) {
    return LinkFacts.find(netlink, name)
        .orElseThrow(() -> new GateException("there is no interface '%s' here".formatted(name)));
  }

  /** A port's number. */
  static int index(RouteNetlink netlink, String name) {
    return link(netlink, name).index();
  }

  /** A frame that another's filter sees first may pass the gate by, and one behind is not asked. */
  private void requireNoFilters(RouteNetlink netlink, PortFilter.Way way) {
    if (!hasPlace(way)) {
      return;
    }
    for (TrafficControl.Filter filter : TrafficControl.filters(netlink, index, way.side())) {
      throw new GateException(
          "%s has a filter of someone else (%s, preference %d, %s), which would not see the frames that HERE holds: remove it (tc filter del dev %s %s; libvirt: virsh domiftune --outbound 0)"
              .formatted(
                  name,
                  filter.kind(),
                  filter.preference(),
                  way,
                  name,
                  way == PortFilter.Way.FROM_GUEST ? INGRESS : "egress"));
    }
  }

  /** Whether filters can be put on one of its ways, or could be if there were places at all. */
  boolean hasPlace(PortFilter.Way way) {
    return way == PortFilter.Way.FROM_GUEST || !classifier.equals(Optional.of(INGRESS));
  }
}
