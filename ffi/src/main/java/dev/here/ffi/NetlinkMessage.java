package dev.here.ffi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Builds one rtnetlink request: struct nlmsghdr, the family's fixed header, attributes which may
 * nest (netlink(7), rtnetlink(7)). Integers are in host byte order unless said otherwise.
 */
public final class NetlinkMessage {
  public static final int RTM_NEWLINK = 16;
  public static final int RTM_DELLINK = 17;
  public static final int RTM_NEWADDR = 20;
  public static final int RTM_NEWQDISC = 36;
  public static final int RTM_DELQDISC = 37;
  public static final int RTM_GETQDISC = 38;
  public static final int RTM_NEWTFILTER = 44;
  public static final int RTM_DELTFILTER = 45;
  public static final int RTM_GETTFILTER = 46;
  public static final int NLM_F_REQUEST = 1;
  public static final int NLM_F_ACK = 4;
  public static final int NLM_F_ECHO = 8;
  public static final int NLM_F_DUMP = 0x300;
  public static final int NLM_F_REPLACE = 0x100;
  public static final int NLM_F_EXCL = 0x200;
  public static final int NLM_F_CREATE = 0x400;
  public static final int IFLA_ADDRESS = 1;
  public static final int IFLA_IFNAME = 3;
  public static final int IFLA_MTU = 4;
  public static final int IFLA_MASTER = 10;
  public static final int IFLA_LINKINFO = 18;
  public static final int IFLA_AF_SPEC = 26;
  public static final int AF_INET6 = 10;
  public static final int IFLA_INET6_ADDR_GEN_MODE = 8;
  public static final int IN6_ADDR_GEN_MODE_NONE = 1;
  public static final int IFLA_INFO_KIND = 1;
  public static final int IFLA_INFO_DATA = 2;
  public static final int VETH_INFO_PEER = 1;
  public static final int IFA_ADDRESS = 1;
  public static final int IFA_LOCAL = 2;
  public static final int IFF_UP = 1;

  static final int HEADER_BYTES = 16;
  private static final int MAX_BYTES = 4096;

  private final ByteBuffer buffer = ByteBuffer.allocate(MAX_BYTES).order(ByteOrder.nativeOrder());
  private final Deque<Integer> open = new ArrayDeque<>();
  private final int type;

  private NetlinkMessage(int type, int flags) {
    this.type = type;
    buffer.putInt(0).putShort((short) type).putShort((short) (flags | NLM_F_REQUEST | NLM_F_ACK));
    buffer.putInt(0).putInt(0);
  }

  /**
   * A request about a link (struct ifinfomsg).
   *
   * @param flags NLM_F_ bits beside REQUEST and ACK
   * @param index of the interface; 0 when an attribute names it or it is new
   * @param linkFlags IFF_ bits, of which those in {@code changed} count
   */
  public static NetlinkMessage link(int type, int flags, int index, int linkFlags, int changed) {
    NetlinkMessage message = new NetlinkMessage(type, flags);
    message.putIfinfomsg(index, linkFlags, changed);
    return message;
  }

  /** A request about an address of an interface (struct ifaddrmsg). */
  public static NetlinkMessage address(
      int type, int flags, int family, int prefixBits, int interfaceIndex) {
    NetlinkMessage message = new NetlinkMessage(type, flags);
    message.buffer.put((byte) family).put((byte) prefixBits).put((byte) 0).put((byte) 0);
    message.buffer.putInt(interfaceIndex);
    return message;
  }

  /** A request about a queueing discipline (struct tcmsg). */
  public static NetlinkMessage qdisc(
      int type, int flags, int interfaceIndex, int handle, int parent) {
    return trafficControl(type, flags, interfaceIndex, handle, parent, 0);
  }

  /** A request about a queueing discipline or a filter (struct tcmsg), with its info field. */
  static NetlinkMessage trafficControl(
      int type, int flags, int interfaceIndex, int handle, int parent, int info) {
    NetlinkMessage message = new NetlinkMessage(type, flags);
    message.buffer.putInt(0).putInt(interfaceIndex).putInt(handle).putInt(parent).putInt(info);
    return message;
  }

  /**
   * A request about a bridge's ports (struct ifinfomsg of AF_BRIDGE).
   *
   * @param index of the port; 0 for all
   */
  static NetlinkMessage bridgePort(int type, int flags, int index) {
    NetlinkMessage message = link(type, flags, index, 0, 0);
    message.buffer.put(HEADER_BYTES, (byte) BridgeVlans.AF_BRIDGE);
    return message;
  }

  private void putIfinfomsg(int index, int linkFlags, int changed) {
    buffer.putInt(0).putInt(index).putInt(linkFlags).putInt(changed);
  }

  /** Adds an attribute of bytes. */
  public NetlinkMessage attribute(int attribute, byte[] value) {
    buffer.putShort((short) (4 + value.length)).putShort((short) attribute).put(value);
    align();
    return this;
  }

  /** Adds an attribute of 32 bits. */
  public NetlinkMessage attribute(int attribute, int value) {
    buffer.putShort((short) 8).putShort((short) attribute).putInt(value);
    return this;
  }

  /** Adds an attribute of text, ended by a zero byte. */
  public NetlinkMessage attribute(int attribute, String value) {
    return attribute(attribute, (value + "\0").getBytes(StandardCharsets.US_ASCII));
  }

  /** Opens an attribute that holds attributes. */
  public NetlinkMessage begin(int attribute) {
    open.push(buffer.position());
    buffer.putShort((short) 0).putShort((short) attribute);
    return this;
  }

  /** Opens VETH_INFO_PEER, whose attributes follow a link header of its own. */
  NetlinkMessage beginVethPeer() {
    begin(VETH_INFO_PEER);
    putIfinfomsg(0, 0, 0);
    return this;
  }

  /** Closes the attribute opened last. */
  public NetlinkMessage end() {
    int start = open.pop();
    buffer.putShort(start, (short) (buffer.position() - start));
    return this;
  }

  private void align() {
    buffer.position((buffer.position() + 3) & ~3);
  }

  int type() {
    return type;
  }

  byte[] toBytes(int sequence) {
    if (!open.isEmpty()) {
      throw new IllegalStateException("a netlink attribute is still open");
    }
    buffer.putInt(0, buffer.position()).putInt(8, sequence);
    byte[] bytes = new byte[buffer.position()];
    buffer.get(0, bytes);
    return bytes;
  }
}
