package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.VirtioNetState;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which frames a virtio network device hands to its driver (VIRTIO 1.2, sections 5.1.6.5.1 to
 * 5.1.6.5.3). Until the driver says otherwise, all of them.
 */
final class VirtioNetFilter {
  /** Modes of VIRTIO_NET_CTRL_RX, by command. */
  enum Mode {
    PROMISCUOUS,
    ALL_MULTICAST,
    ALL_UNICAST,
    NO_MULTICAST,
    NO_UNICAST,
    NO_BROADCAST
  }

  /** Most addresses of one table that are kept; a longer table is refused. */
  static final int MAX_ADDRESSES = 1024;

  private static final int ADDRESS_BYTES = 6;
  private static final int ETHER_TYPE = 12;
  private static final int VLAN_TAG = 14;
  private static final int ETHER_TYPE_VLAN = 0x8100;
  private static final long BROADCAST = 0xffff_ffff_ffffL;
  private static final long GROUP_BIT = 1L << 40;

  private final boolean[] modes = new boolean[Mode.values().length];
  private final byte[] vlans;
  private long mac;
  private long[] unicast;
  private long[] multicast;

  VirtioNetFilter(VirtioNetState state) {
    mac = address(state.mac());
    modes[Mode.PROMISCUOUS.ordinal()] = state.promiscuous();
    modes[Mode.ALL_MULTICAST.ordinal()] = state.allMulticast();
    modes[Mode.ALL_UNICAST.ordinal()] = state.allUnicast();
    modes[Mode.NO_MULTICAST.ordinal()] = state.noMulticast();
    modes[Mode.NO_UNICAST.ordinal()] = state.noUnicast();
    modes[Mode.NO_BROADCAST.ordinal()] = state.noBroadcast();
    unicast = state.unicastFilter().stream().mapToLong(VirtioNetFilter::address).toArray();
    multicast = state.multicastFilter().stream().mapToLong(VirtioNetFilter::address).toArray();
    vlans = state.vlanFilter().toArray();
  }

  VirtioNetState state(
      int linkStatus, long guestOffloads, int queuePairs, int maxQueuePairs, int mtu) {
    return new VirtioNetState(
        Bytes.of(mac()),
        linkStatus,
        on(Mode.PROMISCUOUS),
        on(Mode.ALL_MULTICAST),
        on(Mode.ALL_UNICAST),
        on(Mode.NO_MULTICAST),
        on(Mode.NO_UNICAST),
        on(Mode.NO_BROADCAST),
        list(unicast),
        list(multicast),
        Bytes.of(vlans),
        guestOffloads,
        queuePairs,
        maxQueuePairs,
        mtu);
  }

  /** As a driver finds it after a reset; the address stays. */
  void reset() {
    Arrays.fill(modes, false);
    modes[Mode.PROMISCUOUS.ordinal()] = true;
    unicast = new long[0];
    multicast = new long[0];
    Arrays.fill(vlans, (byte) 0);
  }

  byte[] mac() {
    return octets(mac);
  }

  void mac(byte[] address) {
    mac = address(Bytes.of(address));
  }

  void mode(Mode mode, boolean on) {
    modes[mode.ordinal()] = on;
  }

  void tables(long[] unicastAddresses, long[] multicastAddresses) {
    unicast = unicastAddresses;
    multicast = multicastAddresses;
  }

  /** {@code id} is 0 to 4095. */
  void vlan(int id, boolean passes) {
    int bit = 1 << id % 8;
    vlans[id / 8] = (byte) (passes ? vlans[id / 8] | bit : vlans[id / 8] & ~bit);
  }

  /** Whether the frame at {@code offset} of {@code record} is for the driver. */
  boolean passes(MemorySegment record, int offset, boolean vlanFiltering) {
    if (on(Mode.PROMISCUOUS)) {
      return true;
    }
    if (vlanFiltering && !vlanPasses(record, offset)) {
      return false;
    }
    long destination = address(record, offset);
    if ((destination & GROUP_BIT) != 0) {
      if (destination == BROADCAST) {
        return !on(Mode.NO_BROADCAST);
      }
      return !on(Mode.NO_MULTICAST) && (on(Mode.ALL_MULTICAST) || contains(multicast, destination));
    }
    return !on(Mode.NO_UNICAST)
        && (on(Mode.ALL_UNICAST) || destination == mac || contains(unicast, destination));
  }

  private boolean vlanPasses(MemorySegment record, int offset) {
    if (u16(record, offset + ETHER_TYPE) != ETHER_TYPE_VLAN
        || record.byteSize() < offset + VLAN_TAG + 2) {
      return true;
    }
    int id = u16(record, offset + VLAN_TAG) & 0xfff;
    return (vlans[id / 8] >> id % 8 & 1) != 0;
  }

  private boolean on(Mode mode) {
    return modes[mode.ordinal()];
  }

  private static boolean contains(long[] addresses, long wanted) {
    for (long address : addresses) {
      if (address == wanted) {
        return true;
      }
    }
    return false;
  }

  /** Six octets as a number, the first the most significant. */
  static long address(MemorySegment segment, long offset) {
    long address = 0;
    for (int at = 0; at < ADDRESS_BYTES; at++) {
      address = address << 8 | segment.get(ValueLayout.JAVA_BYTE, offset + at) & 0xff;
    }
    return address;
  }

  private static long address(Bytes octets) {
    return address(MemorySegment.ofArray(octets.toArray()), 0);
  }

  private static byte[] octets(long address) {
    byte[] octets = new byte[ADDRESS_BYTES];
    for (int at = 0; at < ADDRESS_BYTES; at++) {
      octets[at] = (byte) (address >>> 40 - 8 * at);
    }
    return octets;
  }

  private static List<Bytes> list(long[] addresses) {
    List<Bytes> list = new ArrayList<>();
    for (long address : addresses) {
      list.add(Bytes.of(octets(address)));
    }
    return list;
  }

  private static int u16(MemorySegment record, int offset) {
    return (record.get(ValueLayout.JAVA_BYTE, offset) & 0xff) << 8
        | record.get(ValueLayout.JAVA_BYTE, offset + 1) & 0xff;
  }
}
