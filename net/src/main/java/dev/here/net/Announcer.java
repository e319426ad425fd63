package dev.here.net;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes a guest that has moved known to its network, in its name: switches learn from any frame
 * where its hardware address is now, neighbours from gratuitous ARP (RFC 5944, section 4.6) and
 * unsolicited neighbour advertisements (RFC 4861, section 7.2.6). The RARP request (RFC 903) is for
 * switches alone; it needs no IP address.
 */
public final class Announcer {
  private static final int ARP_FRAME_BYTES = 60;
  private static final int ADVERTISEMENT_BYTES = 14 + 40 + 32;
  private static final int TYPE_ARP = 0x0806;
  private static final int TYPE_RARP = 0x8035;
  private static final int TYPE_IP6 = 0x86dd;
  private static final int TYPE_VLAN = 0x8100;
  private static final int OPERATION_REQUEST = 1;
  private static final int OPERATION_REVERSE_REQUEST = 3;
  private static final int ICMP6 = 58;
  private static final int ADVERTISEMENT = 136;
  private static final int FLAG_OVERRIDE = 0x2000_0000;
  private static final byte[] BROADCAST = {-1, -1, -1, -1, -1, -1};
  private static final byte[] ALL_NODES = {
    (byte) 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
  };
  private static final byte[] ALL_NODES_MAC = {0x33, 0x33, 0, 0, 0, 1};

  private final List<byte[]> frames = new ArrayList<>();

  /**
   * @param mac the guest's hardware address, six octets
   * @param ip4 its IPv4 addresses, four octets each, as far as known
   * @param ip6 its IPv6 addresses, sixteen octets each, as far as known
   */
  public Announcer(byte[] mac, List<byte[]> ip4, List<byte[]> ip6) {
    if (mac.length != 6) {
      throw new IllegalArgumentException("hardware address has " + mac.length + " octets, not 6");
    }
    frames.add(arp(mac, TYPE_RARP, OPERATION_REVERSE_REQUEST, new byte[4], mac));
    for (byte[] address : ip4) {
      frames.add(arp(mac, TYPE_ARP, OPERATION_REQUEST, address, new byte[6]));
    }
    for (byte[] address : ip6) {
      frames.add(advertisement(mac, address));
    }
  }

  /**
   * Announces to switches alone, on VLANs that the guest tags itself too: a switch learns the place
   * of an address for each VLAN apart. Without a tag it is the VLAN that the port puts untagged
   * frames in.
   *
   * @param vlans their identifiers, 1 to 4094
   */
  public Announcer(byte[] mac, List<Integer> vlans) {
    this(mac, List.of(), List.of());
    byte[] untagged = frames.getFirst();
    for (int vlan : vlans) {
      frames.add(tagged(untagged, vlan));
    }
  }

  private static byte[] tagged(byte[] frame, int vlan) {
    int addresses = 12;
    return ByteBuffer.allocate(frame.length + 4)
        .put(frame, 0, addresses)
        .putShort((short) TYPE_VLAN)
        .putShort((short) vlan)
        .put(frame, addresses, frame.length - addresses)
        .array();
  }

  /** The Ethernet frames of one announcement, without virtio header. */
  public List<byte[]> frames() {
    return frames.stream().map(byte[]::clone).toList();
  }

  /**
   * Sends one announcement. Called again after some 50, 150, 250 and 350 ms it also reaches
   * neighbours that missed the first.
   *
   * @return how many frames the port took
   */
  public int announce(FramePort port) {
    int sent = 0;
    try (Arena arena = Arena.ofConfined()) {
      for (byte[] frame : frames) {
        MemorySegment record = arena.allocate(FramePort.HEADER_BYTES + (long) frame.length);
        MemorySegment.copy(
            frame, 0, record, ValueLayout.JAVA_BYTE, FramePort.HEADER_BYTES, frame.length);
        if (port.send(record, (int) record.byteSize())) {
          sent++;
        }
      }
    }
    return sent;
  }

  private static byte[] arp(byte[] mac, int type, int operation, byte[] address, byte[] targetMac) {
    ByteBuffer frame = ByteBuffer.allocate(ARP_FRAME_BYTES);
    frame.put(BROADCAST).put(mac).putShort((short) type);
    frame.putShort((short) 1).putShort((short) 0x0800).put((byte) 6).put((byte) 4);
    frame.putShort((short) operation);
    frame.put(mac).put(address, 0, 4).put(targetMac).put(address, 0, 4);
    return frame.array();
  }

  private static byte[] advertisement(byte[] mac, byte[] address) {
    ByteBuffer frame = ByteBuffer.allocate(ADVERTISEMENT_BYTES);
    frame.put(ALL_NODES_MAC).put(mac).putShort((short) TYPE_IP6);
    frame.putInt(0x6000_0000).putShort((short) 32).put((byte) ICMP6).put((byte) 255);
    frame.put(address, 0, 16).put(ALL_NODES);
    frame.put((byte) ADVERTISEMENT).put((byte) 0).putShort((short) 0).putInt(FLAG_OVERRIDE);
    frame.put(address, 0, 16).put((byte) 2).put((byte) 1).put(mac);
    frame.putShort(14 + 40 + 2, checksum(frame));
    return frame.array();
  }

  /** Of ICMPv6 with its pseudo-header (RFC 8200, section 8.1). */
  private static short checksum(ByteBuffer frame) {
    long sum = 32 + ICMP6;
    for (int at = 14 + 8; at < ADVERTISEMENT_BYTES; at += 2) {
      sum += frame.getShort(at) & 0xffff;
    }
    while (sum > 0xffff) {
      sum = (sum & 0xffff) + (sum >>> 16);
    }
    return (short) ~sum;
  }
}
