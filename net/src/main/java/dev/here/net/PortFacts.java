package dev.here.net;

import dev.here.ffi.BridgeVlans;
import dev.here.ffi.LinkFacts;
import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.machine.CardLink;
import dev.here.machine.InvalidMachineStateException;
import dev.here.machine.PortVlans;
import dev.here.machine.VlanRange;
import java.util.Optional;

/** What a guest's port on this host is joined to, read from the kernel. */
public final class PortFacts {
  /** Kind of an interface that is part of another one instead of a port of a bridge. */
  private static final String MACVTAP = "macvtap";

  private PortFacts() {}

  /**
   * Describes a port of this thread's network namespace, for a host that has to make one like it.
   *
   * @param port name of the interface
   * @throws UnknownPortException when there is none, or what it is joined to cannot be known
   */
  public static CardLink of(String port) {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      LinkFacts facts =
          LinkFacts.find(netlink, port)
              .orElseThrow(() ->
                  new UnknownPortException(
                      "there is no interface '%s' here, which should be a guest's port"
                          .formatted(port)));
      if (facts.kind().equals(MACVTAP)) {
        throw new UnknownPortException(
            "port %s is a macvtap: give the guest a TAP that is in a bridge".formatted(port));
      }
      Optional<LinkFacts> bridge = bridge(netlink, facts);
      return new CardLink(
          bridge.map(LinkFacts::name).orElse(""),
          facts.mtuBytes(),
          facts.multiQueue() ? Math.max(1, facts.queues()) : 1,
          bridge
              .filter(LinkFacts::vlanFiltering)
              .map(filters -> vlans(BridgeVlans.of(netlink, facts.index()))));
    } catch (NativeException | InvalidMachineStateException e) {
      throw new UnknownPortException(
          "port %s cannot be described for another host: %s".formatted(port, e.getMessage()), e);
    }
  }

  private static Optional<LinkFacts> bridge(RouteNetlink netlink, LinkFacts port) {
    if (port.master() == 0) {
      return Optional.empty();
    }
    Optional<LinkFacts> master = LinkFacts.find(netlink, port.master());
    // What an Open vSwitch does with a port's frames is not the kernel's to tell.
    master
        .filter(found -> !found.kind().equals(LinkFacts.BRIDGE))
        .ifPresent(other -> {
          throw new UnknownPortException(
              "port %s belongs to %s, of kind '%s': its VLANs are not known; put it into a bridge of Linux"
                  .formatted(port.name(), other.name(), other.kind()));
        });
    return master;
  }

  private static PortVlans vlans(BridgeVlans vlans) {
    return new PortVlans(
        vlans.pvid(), VlanRange.of(vlans.untagged()), VlanRange.of(vlans.tagged()));
  }
}
