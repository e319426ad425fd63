package dev.here.host;

import dev.here.ffi.FileDescriptor;
import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Tun;

/**
 * A TAP interface for a guest that may come here: made before the VMM opens it, a port of the
 * bridge, lasting until it is closed. The VMM's process opens it by name and needs no right to make
 * interfaces.
 */
final class GuestTap implements AutoCloseable {
  private final String name;

  private GuestTap(String name) {
    this.name = name;
  }

  /** Makes {@code here0}, {@code here1}, .. and lets it join {@code bridge}. */
  static GuestTap make(String bridge) {
    if (RouteNetlink.interfaceIndex(bridge).isEmpty()) {
      throw new HostException(
          "there is no bridge '%s' here; make it or start hered with another --bridge"
              .formatted(bridge));
    }
    Tun.Interface made = Tun.open("here%d", Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR);
    try (FileDescriptor descriptor = made.descriptor();
        RouteNetlink netlink = RouteNetlink.open()) {
      Tun.persistent(descriptor, true);
      netlink.master(made.name(), bridge);
      netlink.up(made.name(), true);
      return new GuestTap(made.name());
    } catch (NativeException e) {
      new GuestTap(made.name()).close();
      throw new HostException(
          "a TAP for a guest cannot join bridge %s: %s".formatted(bridge, e.getMessage()), e);
    }
  }

  /** One that an earlier daemon made; it may be gone already. */
  static GuestTap left(String name) {
    return new GuestTap(name);
  }

  String name() {
    return name;
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
