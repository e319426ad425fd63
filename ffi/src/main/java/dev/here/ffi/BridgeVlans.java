package dev.here.ffi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;

/**
 * The VLANs of one port of a bridge of Linux (linux/if_bridge.h). They count only while the bridge
 * filters VLANs.
 *
 * @param pvid the VLAN of frames that come without a tag, 1 to 4094; 0: such frames are dropped
 * @param untagged VLANs whose frames leave through the port without a tag
 * @param tagged VLANs whose frames leave with one
 */
public record BridgeVlans(int pvid, BitSet untagged, BitSet tagged) {
  static final int RTM_SETLINK = 19;
  static final int AF_BRIDGE = 7;
  static final int NLM_F_DUMP = 0x300;

  static final int IFLA_EXT_MASK = 29;
  static final int RTEXT_FILTER_BRVLAN_COMPRESSED = 4;
  static final int IFLA_BRIDGE_VLAN_INFO = 2;
  static final int BRIDGE_VLAN_INFO_PVID = 2;
  static final int BRIDGE_VLAN_INFO_UNTAGGED = 4;
  static final int BRIDGE_VLAN_INFO_RANGE_BEGIN = 8;
  static final int BRIDGE_VLAN_INFO_RANGE_END = 16;

  /** struct bridge_vlan_info: flags 2, vid 2. */
  static final int VLAN_INFO_BYTES = 4;

  public BridgeVlans {
    untagged = (BitSet) untagged.clone();
    tagged = (BitSet) tagged.clone();
  }

  @Override
  public BitSet untagged() {
    return (BitSet) untagged.clone();
  }

  @Override
  public BitSet tagged() {
    return (BitSet) tagged.clone();
  }

  /** A port without VLANs: nothing passes it. */
  static BridgeVlans none() {
    return new BridgeVlans(0, new BitSet(), new BitSet());
  }

  /**
   * The VLANs of a port.
   *
   * @param port index of the interface
   */
  public static BridgeVlans of(RouteNetlink netlink, int port) {
    // A bridge's ports can only be asked for all together.
    NetlinkMessage request =
        NetlinkMessage.bridgePort(LinkFacts.RTM_GETLINK, NLM_F_DUMP, 0)
            .attribute(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
    for (ByteBuffer answer : netlink.ask(request, "read the VLANs of the bridges' ports")) {
      ByteBuffer in = answer.slice().order(ByteOrder.nativeOrder());
      NetlinkAttributes attributes = LinkFacts.attributes(in);
      // Without a master it is what the card's own switch says of itself.
      boolean found = attributes.number(NetlinkMessage.IFLA_MASTER) != 0;
      if (found && LinkFacts.index(in) == port) {
        return decode(attributes.within(NetlinkMessage.IFLA_AF_SPEC));
      }
    }
    return none();
  }

  /** Reads NetlinkMessage.IFLA_AF_SPEC of a port. */
  static BridgeVlans decode(NetlinkAttributes bridge) {
    int pvid = 0;
    BitSet untagged = new BitSet();
    BitSet tagged = new BitSet();
    int begin = 0;
    for (NetlinkAttributes.Attribute attribute : bridge.all()) {
      boolean vlan =
          attribute.type() == IFLA_BRIDGE_VLAN_INFO
              && attribute.value().remaining() >= VLAN_INFO_BYTES;
      if (!vlan) {
        continue;
      }
      int flags = attribute.value().getShort(0) & 0xffff;
      int vid = attribute.value().getShort(2) & 0xffff;
      if ((flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) != 0) {
        begin = vid;
        continue;
      }
      int first = (flags & BRIDGE_VLAN_INFO_RANGE_END) != 0 ? begin : vid;
      if (first < 1 || vid < first || vid > 4094) {
        throw new NativeException(
            Errno.EBADMSG, "read a bridge's port with VLANs %d to %d".formatted(first, vid));
      }
      pvid = (flags & BRIDGE_VLAN_INFO_PVID) != 0 ? vid : pvid;
      ((flags & BRIDGE_VLAN_INFO_UNTAGGED) != 0 ? untagged : tagged).set(first, vid + 1);
    }
    return new BridgeVlans(pvid, untagged, tagged);
  }

  /**
   * Gives a port these VLANs and takes all others away, such as the one that a bridge gives to a
   * port that joins it. The port has to be one, of a bridge whose kernel knows VLANs.
   *
   * @param port index of the interface
   * @throws NativeException EOPNOTSUPP when the kernel's bridges have no VLANs
   */
  public void set(RouteNetlink netlink, int port) {
    BridgeVlans before = of(netlink, port);
    BitSet gone = before.untagged();
    gone.or(before.tagged);
    change(netlink, NetlinkMessage.RTM_DELLINK, port, gone, 0);
    BitSet own = new BitSet();
    if (pvid > 0) {
      own.set(pvid);
    }
    // The kernel takes no range with a PVID in it.
    int untaggedOwn = untagged.get(pvid) ? BRIDGE_VLAN_INFO_UNTAGGED : 0;
    change(netlink, RTM_SETLINK, port, own, BRIDGE_VLAN_INFO_PVID | untaggedOwn);
    change(netlink, RTM_SETLINK, port, without(untagged, own), BRIDGE_VLAN_INFO_UNTAGGED);
    change(netlink, RTM_SETLINK, port, without(tagged, own), 0);
  }

  private static BitSet without(BitSet vlans, BitSet some) {
    BitSet rest = (BitSet) vlans.clone();
    rest.andNot(some);
    return rest;
  }

  /** One request for each run of VLANs. */
  private static void change(RouteNetlink netlink, int type, int port, BitSet vlans, int flags) {
    for (int first = vlans.nextSetBit(0); first >= 0; ) {
      int last = vlans.nextClearBit(first) - 1;
      netlink.request(
          request(type, port, first, last, flags),
          "%s VLANs %d to %d of interface %d"
              .formatted(type == RTM_SETLINK ? "set" : "remove", first, last, port));
      first = vlans.nextSetBit(last + 1);
    }
  }

  static NetlinkMessage request(int type, int port, int first, int last, int flags) {
    NetlinkMessage message =
        NetlinkMessage.bridgePort(type, 0, port).begin(NetlinkMessage.IFLA_AF_SPEC);
    if (first == last) {
      message.attribute(IFLA_BRIDGE_VLAN_INFO, info(flags, first));
    } else {
      message.attribute(IFLA_BRIDGE_VLAN_INFO, info(flags | BRIDGE_VLAN_INFO_RANGE_BEGIN, first));
      message.attribute(IFLA_BRIDGE_VLAN_INFO, info(flags | BRIDGE_VLAN_INFO_RANGE_END, last));
    }
    return message.end();
  }

  private static byte[] info(int flags, int vid) {
    ByteBuffer info = ByteBuffer.allocate(VLAN_INFO_BYTES).order(ByteOrder.nativeOrder());
    return info.putShort((short) flags).putShort((short) vid).array();
  }
}
