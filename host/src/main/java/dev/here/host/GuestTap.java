package dev.here.host;

import dev.here.ffi.BridgeVlans;
import dev.here.ffi.FileDescriptor;
import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Tun;
import dev.here.machine.PortVlans;
import dev.here.machine.VlanRange;
import java.util.ArrayList;
import java.util.List;

/**
 * A TAP interface for a card of a guest that may come here: made before the VMM opens it, a port of
 * a bridge, lasting until it is closed. The VMM's process opens it by name and needs no right to
 * make interfaces.
 *
 * @param name the interface's
 * @param queuePairs how often the VMM may open it
 * @param place its bridge and VLANs, for people; empty when it is not known any more
 */
record GuestTap(String name, int queuePairs, String place) implements AutoCloseable {
  /** Makes {@code here0}, {@code here1}, .. and joins each to its place; all of them or none. */
  static List<GuestTap> make(List<CardPlace> places) {
    List<GuestTap> made = new ArrayList<>();
    try {
      places.forEach(place -> made.add(make(place)));
      return made;
    } catch (NativeException | HostException e) {
      made.forEach(GuestTap::close);
      throw e;
    }
  }

  private static GuestTap make(CardPlace place) {
    int queuePairs = place.card().queuePairs();
    int flags = Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR;
    Tun.Interface made = Tun.open("here%d", queuePairs > 1 ? flags | Tun.IFF_MULTI_QUEUE : flags);
    GuestTap tap = new GuestTap(made.name(), queuePairs, place.toString());
    try (FileDescriptor descriptor = made.descriptor()) {
      Tun.persistent(descriptor, true);
      join(made.name(), place);
      return tap;
    } catch (NativeException e) {
      tap.close();
      throw new HostException(
          "a TAP for a guest cannot join bridge %s: %s".formatted(place, e.getMessage()), e);
    }
  }

  private static void join(String name, CardPlace place) {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      // A bridge takes over the lowest MTU of its ports (br_mtu_auto_adjust), for everybody in it.
      // So the TAP has the bridge's, which the card's does not exceed, and has it before it joins.
      netlink.mtu(name, place.bridge().mtuBytes());
      netlink.master(name, place.bridge().name());
      if (place.card().vlans().isPresent()) {
        int port = RouteNetlink.interfaceIndex(name).orElseThrow();
        kernelVlans(place.card().vlans().get()).set(netlink, port);
      }
      netlink.up(name, true);
    }
  }

  private static BridgeVlans kernelVlans(PortVlans vlans) {
    return new BridgeVlans(
        vlans.pvid(), VlanRange.set(vlans.untagged()), VlanRange.set(vlans.tagged()));
  }

  /** One that an earlier daemon made; it may be gone already. */
  static GuestTap left(String name) {
    return new GuestTap(name, 1, "");
  }

  /** As the VMM's option {@code --nic} takes it. */
  String option() {
    return "tap=" + name + (queuePairs > 1 ? ",queues=" + queuePairs : "");
  }

  /** For people. */
  @Override
  public String toString() {
    return place.isEmpty() ? name : name + " in " + place;
  }

  @Override
  public void close() {
    if (RouteNetlink.interfaceIndex(name).isPresent()) {
      try (RouteNetlink netlink = RouteNetlink.open()) {
        netlink.deleteLink(name);
      }
    }
  }
}
