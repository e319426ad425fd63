package dev.here.ffi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * A network interface as the kernel describes it (RTM_GETLINK, rtnetlink(7); attributes in
 * linux/if_link.h).
 *
 * @param index its number in its namespace
 * @param name its name
 * @param mtuBytes largest payload of a frame in bytes
 * @param master index of the interface that it is a port of; 0 for none
 * @param kind of the driver, for example {@code bridge}, {@code tun}, {@code macvtap}; empty for
 *     hardware and for a Xen vif
 * @param alias text that somebody set for it; empty for none
 * @param vlanFiltering whether it is a bridge that tells VLANs apart
 * @param multiQueue whether it is a TUN or TAP that may have several queues
 * @param queues open queues of such a one, those that its user has detached for now included
 * @param up whether its administrator wants it up
 * @param carrier whether somebody is at the other end; of a TAP: whether a process has it open
 * @param xdp whether an XDP program is attached, which sees frames before traffic control
 * @param parentBus kernel's name of the bus that its device is on, for example {@code xen-backend};
 *     empty where it has none, and before Linux 5.14
 */
public record LinkFacts(
    int index,
    String name,
    int mtuBytes,
    int master,
    String kind,
    String alias,
    boolean vlanFiltering,
    boolean multiQueue,
    int queues,
    boolean up,
    boolean carrier,
    boolean xdp,
    String parentBus) {
  static final int RTM_GETLINK = 18;
  static final int IFLA_IFALIAS = 20;
  static final int IFLA_CARRIER = 33;
  static final int IFLA_XDP = 43;
  static final int IFLA_XDP_ATTACHED = 2;
  static final int IFLA_PARENT_DEV_BUS_NAME = 57;
  static final int IFLA_BR_VLAN_FILTERING = 7;
  static final int IFLA_TUN_MULTI_QUEUE = 7;
  static final int IFLA_TUN_NUM_QUEUES = 8;
  static final int IFLA_TUN_NUM_DISABLED_QUEUES = 9;

  /** Kind of a bridge of Linux. */
  public static final String BRIDGE = "bridge";

  /** Kind of a TUN or TAP interface. */
  public static final String TUN = "tun";

  /** struct ifinfomsg: family 1, padding 1, type 2, index 4, flags 4, change mask 4. */
  static final int IFINFOMSG_BYTES = 16;

  static final int IFI_INDEX_OFFSET = 4;
  static final int IFI_FLAGS_OFFSET = 8;

  /** An interface of the socket's namespace by its name; empty when there is none. */
  public static Optional<LinkFacts> find(RouteNetlink netlink, String name) {
    NetlinkMessage request =
        NetlinkMessage.link(RTM_GETLINK, 0, 0, 0, 0).attribute(NetlinkMessage.IFLA_IFNAME, name);
    return ask(netlink, request, "read interface " + name).map(LinkFacts::decode);
  }

  /** An interface of the socket's namespace by its index; empty when there is none. */
  public static Optional<LinkFacts> find(RouteNetlink netlink, int index) {
    return message(netlink, index).map(LinkFacts::decode);
  }

  /** What the kernel says of an interface, from struct ifinfomsg on; empty when there is none. */
  static Optional<ByteBuffer> message(RouteNetlink netlink, int index) {
    NetlinkMessage request = NetlinkMessage.link(RTM_GETLINK, 0, index, 0, 0);
    return ask(netlink, request, "read interface " + index);
  }

  /** All interfaces of the socket's namespace. */
  public static List<LinkFacts> all(RouteNetlink netlink) {
    NetlinkMessage request = NetlinkMessage.link(RTM_GETLINK, NetlinkMessage.NLM_F_DUMP, 0, 0, 0);
    return netlink.ask(request, "list the interfaces").stream().map(LinkFacts::decode).toList();
  }

  private static Optional<ByteBuffer> ask(
      RouteNetlink netlink, NetlinkMessage request, String attempted) {
    try {
      return netlink.ask(request, attempted).stream().findFirst();
    } catch (NativeException e) {
      if (e.errno() == Errno.ENODEV) {
        return Optional.empty();
      }
      throw e;
    }
  }

  static int index(ByteBuffer message) {
    return message.getInt(IFI_INDEX_OFFSET);
  }

  static NetlinkAttributes attributes(ByteBuffer message) {
    if (message.remaining() < IFINFOMSG_BYTES) {
      throw NetlinkAttributes.broken("%d bytes about an interface".formatted(message.remaining()));
    }
    return NetlinkAttributes.in(
        message.slice(IFINFOMSG_BYTES, message.remaining() - IFINFOMSG_BYTES));
  }

  /**
   * Reads an RTM_NEWLINK message.
   *
   * @param message from struct ifinfomsg on
   */
  static LinkFacts decode(ByteBuffer message) {
    ByteBuffer in = message.slice().order(ByteOrder.nativeOrder());
    NetlinkAttributes attributes = attributes(in);
    NetlinkAttributes info = attributes.within(NetlinkMessage.IFLA_LINKINFO);
    NetlinkAttributes data = info.within(NetlinkMessage.IFLA_INFO_DATA);
    String kind = info.text(NetlinkMessage.IFLA_INFO_KIND);
    boolean tun = kind.equals(TUN);
    return new LinkFacts(
        index(in),
        attributes.text(NetlinkMessage.IFLA_IFNAME),
        attributes.number(NetlinkMessage.IFLA_MTU),
        attributes.number(NetlinkMessage.IFLA_MASTER),
        kind,
        attributes.text(IFLA_IFALIAS),
        kind.equals(BRIDGE) && data.number(IFLA_BR_VLAN_FILTERING) != 0,
        tun && data.number(IFLA_TUN_MULTI_QUEUE) != 0,
        tun ? data.number(IFLA_TUN_NUM_QUEUES) + data.number(IFLA_TUN_NUM_DISABLED_QUEUES) : 0,
        (in.getInt(IFI_FLAGS_OFFSET) & NetlinkMessage.IFF_UP) != 0,
        attributes.number(IFLA_CARRIER) != 0,
        attributes.within(IFLA_XDP).number(IFLA_XDP_ATTACHED) != 0,
        attributes.text(IFLA_PARENT_DEV_BUS_NAME));
  }
}
