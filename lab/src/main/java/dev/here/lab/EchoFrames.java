package dev.here.lab;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * Frames of ARP and ICMP echo over IPv4 (RFC 826, RFC 792) between one client and one guest, in a
 * VLAN. Frames to be sent carry their tag (IEEE 802.1Q); received ones have lost it to the kernel.
 */
final class EchoFrames {
  static final int HEADER_BYTES = 14;

  private static final int TPID = 0x8100;
  private static final int ARP = 0x0806;
  private static final int IPV4 = 0x0800;
  private static final int ARP_BYTES = 28;
  private static final int IPV4_BYTES = 20;
  private static final int ICMP_BYTES = 8;
  private static final int ARP_REQUEST = 1;
  private static final int ARP_REPLY = 2;
  private static final int PROTOCOL_ICMP = 1;
  private static final int ECHO_REQUEST = 8;
  private static final byte[] EVERYBODY = {-1, -1, -1, -1, -1, -1};

  private final int vlan;
  private final byte[] mac;
  private final InetAddress address;
  private final InetAddress guest;

  /**
   * Frames between two addresses.
   *
   * @param vlan the VLAN
   * @param mac the client's device address
   * @param address the client's
   * @param guest the guest's
   */
  EchoFrames(int vlan, byte[] mac, InetAddress address, InetAddress guest) {
    this.vlan = vlan;
    this.mac = mac.clone();
    this.address = address;
    this.guest = guest;
  }

  private ByteBuffer tagged(byte[] to, int type, int sizeBytes) {
    return ByteBuffer.allocate(HEADER_BYTES + 4 + sizeBytes)
        .put(to)
        .put(mac)
        .putShort((short) TPID)
        .putShort((short) vlan)
        .putShort((short) type);
  }

  private byte[] arp(byte[] to, int operation, byte[] targetMac) {
    return tagged(to, ARP, ARP_BYTES)
        .putShort((short) 1)
        .putShort((short) IPV4)
        .put((byte) 6)
        .put((byte) 4)
        .putShort((short) operation)
        .put(mac)
        .put(address.getAddress())
        .put(targetMac)
        .put(guest.getAddress())
        .array();
  }

  /** Asks for the guest's device address. */
  byte[] question() {
    return arp(EVERYBODY, ARP_REQUEST, new byte[6]);
  }

  /** Tells the guest the client's. */
  byte[] answer(byte[] guestMac) {
    return arp(guestMac, ARP_REPLY, guestMac);
  }

  /** An echo request with a payload of {@code payloadBytes} octets. */
  byte[] request(byte[] guestMac, int sequence, int payloadBytes) {
    int size = IPV4_BYTES + ICMP_BYTES + payloadBytes;
    ByteBuffer frame = tagged(guestMac, IPV4, size);
    int ip = frame.position();
    frame.putShort((short) 0x4500).putShort((short) size).putShort((short) sequence);
    // Not to be fragmented: the path must carry it whole.
    frame.putShort((short) 0x4000).put((byte) 64).put((byte) PROTOCOL_ICMP).putShort((short) 0);
    frame.put(address.getAddress()).put(guest.getAddress());
    frame.putShort(ip + 10, checksum(frame, ip, IPV4_BYTES));
    int icmp = frame.position();
    frame.put((byte) ECHO_REQUEST).put((byte) 0).putShort((short) 0);
    frame.putShort((short) vlan).putShort((short) sequence);
    for (int i = 0; i < payloadBytes; i++) {
      frame.put((byte) (i + sequence));
    }
    frame.putShort(icmp + 2, checksum(frame, icmp, ICMP_BYTES + payloadBytes));
    return frame.array();
  }

  /** RFC 1071. */
  private static short checksum(ByteBuffer frame, int at, int sizeBytes) {
    long sum = 0;
    for (int i = 0; i < sizeBytes; i += 2) {
      int low = i + 1 < sizeBytes ? frame.get(at + i + 1) & 0xff : 0;
      sum += (frame.get(at + i) & 0xff) << 8 | low;
    }
    while (sum >> 16 != 0) {
      sum = (sum & 0xffff) + (sum >> 16);
    }
    return (short) ~sum;
  }

  private static int type(byte[] frame) {
    return frame.length < HEADER_BYTES ? 0 : ByteBuffer.wrap(frame).getShort(12) & 0xffff;
  }

  private boolean isArp(byte[] frame, int operation) {
    return type(frame) == ARP
        && frame.length >= HEADER_BYTES + ARP_BYTES
        && frame[HEADER_BYTES + 7] == operation
        && at(frame, HEADER_BYTES + 14, guest)
        && at(frame, HEADER_BYTES + 24, address);
  }

  private static boolean at(byte[] frame, int offset, InetAddress address) {
    byte[] bytes = address.getAddress();
    return Arrays.equals(frame, offset, offset + bytes.length, bytes, 0, bytes.length);
  }

  /** Whether a received frame is the guest's question for the client's device address. */
  boolean isQuestion(byte[] frame) {
    return isArp(frame, ARP_REQUEST);
  }

  /** The guest's device address, if a received frame is its answer. */
  Optional<byte[]> guestMac(byte[] frame) {
    return isArp(frame, ARP_REPLY)
        ? Optional.of(Arrays.copyOfRange(frame, HEADER_BYTES + 8, HEADER_BYTES + 14))
        : Optional.empty();
  }

  /** The sequence number, if a received frame is the guest's whole answer to such a request. */
  Optional<Integer> reply(byte[] frame, int payloadBytes) {
    int icmp = HEADER_BYTES + IPV4_BYTES;
    if (type(frame) != IPV4
        || frame.length != icmp + ICMP_BYTES + payloadBytes
        || frame[HEADER_BYTES + 9] != PROTOCOL_ICMP
        || frame[icmp] != 0
        || !at(frame, HEADER_BYTES + 12, guest)
        || !at(frame, HEADER_BYTES + 16, address)) {
      return Optional.empty();
    }
    int sequence = ByteBuffer.wrap(frame).getShort(icmp + 6) & 0xffff;
    for (int i = 0; i < payloadBytes; i++) {
      if (frame[icmp + ICMP_BYTES + i] != (byte) (i + sequence)) {
        return Optional.empty();
      }
    }
    return Optional.of(sequence);
  }
}
