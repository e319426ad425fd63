package dev.here.net;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The addresses that a guest uses, learnt from the frames that it sends: its hardware address, the
 * IPv4 addresses that it claims by ARP (RFC 826) or sends from, the IPv6 addresses that it sends
 * from. At most 16 of each family are kept. One thread observes, others may read; a frame costs no
 * allocation once its address is known.
 */
public final class GuestAddresses {
  /** Most addresses of one family that are kept. */
  public static final int MAX_ADDRESSES = 16;

  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private static final int FRAME = FramePort.HEADER_BYTES;
  private static final int SOURCE = FRAME + 6;
  private static final int TYPE = FRAME + 12;
  private static final int PAYLOAD = FRAME + 14;
  private static final int ARP_SENDER_IP = PAYLOAD + 14;
  private static final int IP4_SOURCE = PAYLOAD + 12;
  private static final int IP6_SOURCE = PAYLOAD + 8;
  private static final int TYPE_IP4 = 0x0800;
  private static final int TYPE_ARP = 0x0806;
  private static final int TYPE_IP6 = 0x86dd;
  private static final long NO_MAC = -1;

  private final int[] ip4 = new int[MAX_ADDRESSES];
  private final long[] ip6High = new long[MAX_ADDRESSES];
  private final long[] ip6Low = new long[MAX_ADDRESSES];
  private volatile int ip4Count;
  private volatile int ip6Count;
  private volatile long mac = NO_MAC;

  /** Looks at a frame that the guest sends; see {@link FramePort} for its form. */
  void observe(MemorySegment record, int length) {
    if (length < PAYLOAD) {
      return;
    }
    int type = record.get(U16, TYPE) & 0xffff;
    if (type == TYPE_ARP && length >= ARP_SENDER_IP + 4) {
      learn4(record.get(U32, ARP_SENDER_IP), record);
    } else if (type == TYPE_IP4 && length >= IP4_SOURCE + 4) {
      learn4(record.get(U32, IP4_SOURCE), record);
    } else if (type == TYPE_IP6 && length >= IP6_SOURCE + 16) {
      learn6(record.get(U64, IP6_SOURCE), record.get(U64, IP6_SOURCE + 8), record);
    }
  }

  private void learn4(int address, MemorySegment record) {
    int first = address >>> 24;
    int count = ip4Count;
    // 0/8, loopback, multicast and broadcast are nobody's address.
    if (first == 0 || first == 127 || first >= 224 || count == MAX_ADDRESSES) {
      return;
    }
    for (int at = 0; at < count; at++) {
      if (ip4[at] == address) {
        return;
      }
    }
    learnMac(record);
    ip4[count] = address;
    ip4Count = count + 1;
  }

  private void learn6(long high, long low, MemorySegment record) {
    int count = ip6Count;
    // ff00::/8 is multicast, ::/64 holds the unspecified and loopback addresses.
    if (high >>> 56 == 0xff || high == 0 || count == MAX_ADDRESSES) {
      return;
    }
    for (int at = 0; at < count; at++) {
      if (ip6High[at] == high && ip6Low[at] == low) {
        return;
      }
    }
    learnMac(record);
    ip6High[count] = high;
    ip6Low[count] = low;
    ip6Count = count + 1;
  }

  private void learnMac(MemorySegment record) {
    mac = record.get(U64, SOURCE) >>> 16;
  }

  /** The hardware address of the last new sender, six octets. */
  public Optional<byte[]> mac() {
    long value = mac;
    if (value == NO_MAC) {
      return Optional.empty();
    }
    byte[] octets = new byte[6];
    for (int at = 0; at < 6; at++) {
      octets[at] = (byte) (value >>> 40 - 8 * at);
    }
    return Optional.of(octets);
  }

  /** IPv4 addresses, four octets each, oldest first. */
  public List<byte[]> ip4() {
    List<byte[]> addresses = new ArrayList<>();
    for (int at = 0; at < ip4Count; at++) {
      byte[] octets = new byte[4];
      MemorySegment.ofArray(octets).set(U32, 0, ip4[at]);
      addresses.add(octets);
    }
    return addresses;
  }

  /** IPv6 addresses, sixteen octets each, oldest first. */
  public List<byte[]> ip6() {
    List<byte[]> addresses = new ArrayList<>();
    for (int at = 0; at < ip6Count; at++) {
      byte[] octets = new byte[16];
      MemorySegment.ofArray(octets).set(U64, 0, ip6High[at]);
      MemorySegment.ofArray(octets).set(U64, 8, ip6Low[at]);
      addresses.add(octets);
    }
    return addresses;
  }
}
