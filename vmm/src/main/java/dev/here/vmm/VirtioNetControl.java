package dev.here.vmm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * The control queue of a virtio network device (VIRTIO 1.2, section 5.1.6.5): class, command, data
 * from the driver, one octet of acknowledgement back. What is unknown, malformed or not negotiated
 * is refused and changes nothing.
 */
final class VirtioNetControl {
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int CLASS_RX = 0;
  private static final int CLASS_MAC = 1;
  private static final int CLASS_VLAN = 2;
  private static final int CLASS_ANNOUNCE = 3;
  private static final int CLASS_MQ = 4;
  private static final int CLASS_OFFLOADS = 5;
  private static final int ACK_OK = 0;
  private static final int ACK_ERROR = 1;

  /** Two tables of addresses are the longest command. */
  private static final int MAX_COMMAND_BYTES = 2 + 2 * (4 + 6 * VirtioNetFilter.MAX_ADDRESSES);

  private final VirtioNet device;
  private final VirtioNetFilter filter;
  private final VirtioTransport transport;
  private final MemorySegment command = MemorySegment.ofArray(new byte[MAX_COMMAND_BYTES]);
  private final MemorySegment acknowledgement = MemorySegment.ofArray(new byte[1]);

  VirtioNetControl(VirtioNet device, VirtioNetFilter filter, VirtioTransport transport) {
    this.device = device;
    this.filter = filter;
    this.transport = transport;
  }

  /** Carries out what the queue holds. */
  void run(Virtqueue queue, DescriptorChain chain) {
    int answered = 0;
    while (answered < queue.size() && queue.take(chain)) {
      if (chain.readableBytes() < 2 || chain.writableBytes() < 1) {
        throw new VirtqueueException(
            "control command of %d octets with %d to answer in"
                .formatted(chain.readableBytes(), chain.writableBytes()));
      }
      boolean done = false;
      if (chain.readableBytes() <= MAX_COMMAND_BYTES) {
        int length = (int) chain.readableBytes();
        chain.copyOut(0, command, 0, length);
        done = carryOut(command.asSlice(2, length - 2));
      }
      acknowledgement.set(ValueLayout.JAVA_BYTE, 0, (byte) (done ? ACK_OK : ACK_ERROR));
      chain.copyIn(0, acknowledgement, 0, 1);
      queue.push(chain, 1);
      answered++;
    }
    if (answered > 0) {
      transport.completed(queue);
    }
  }

  private boolean carryOut(MemorySegment data) {
    int code = command.get(ValueLayout.JAVA_BYTE, 1) & 0xff;
    return switch (command.get(ValueLayout.JAVA_BYTE, 0)) {
      case CLASS_RX -> receiveMode(code, data);
      case CLASS_MAC -> address(code, data);
      case CLASS_VLAN -> vlan(code, data);
      case CLASS_ANNOUNCE -> announced(code);
      case CLASS_MQ ->
          code == 0
              && transport.negotiated(VirtioNet.MQ)
              && data.byteSize() == 2
              && device.queuePairs(data.get(U16, 0) & 0xffff);
      case CLASS_OFFLOADS ->
          code == 0
              && transport.negotiated(VirtioNet.CTRL_GUEST_OFFLOADS)
              && data.byteSize() == 8
              && device.guestOffloads(data.get(U64, 0));
      default -> false;
    };
  }

  private boolean receiveMode(int code, MemorySegment data) {
    int feature = code < 2 ? VirtioNet.CTRL_RX : VirtioNet.CTRL_RX_EXTRA;
    if (data.byteSize() != 1
        || code >= VirtioNetFilter.Mode.values().length
        || !transport.negotiated(feature)) {
      return false;
    }
    filter.mode(VirtioNetFilter.Mode.values()[code], data.get(ValueLayout.JAVA_BYTE, 0) != 0);
    return true;
  }

  private boolean address(int code, MemorySegment data) {
    if (code == 1) {
      if (data.byteSize() != 6 || !transport.negotiated(VirtioNet.CTRL_MAC_ADDR)) {
        return false;
      }
      byte[] mac = data.toArray(ValueLayout.JAVA_BYTE);
      filter.mac(mac);
      device.addressChanged(mac);
      return true;
    }
    if (code != 0 || !transport.negotiated(VirtioNet.CTRL_RX)) {
      return false;
    }
    Optional<long[]> unicast = table(data, 0);
    if (unicast.isEmpty()) {
      return false;
    }
    long unicastBytes = 4 + 6L * unicast.orElseThrow().length;
    Optional<long[]> multicast = table(data, unicastBytes);
    if (multicast.isEmpty()
        || unicastBytes + 4 + 6L * multicast.orElseThrow().length != data.byteSize()) {
      return false;
    }
    filter.tables(unicast.orElseThrow(), multicast.orElseThrow());
    return true;
  }

  /** A count and that many addresses; nothing when the data are shorter or the count too large. */
  private static Optional<long[]> table(MemorySegment data, long offset) {
    if (data.byteSize() < offset + 4) {
      return Optional.empty();
    }
    long count = data.get(U32, offset) & 0xffff_ffffL;
    if (count > VirtioNetFilter.MAX_ADDRESSES || data.byteSize() < offset + 4 + 6 * count) {
      return Optional.empty();
    }
    long[] addresses = new long[(int) count];
    for (int at = 0; at < count; at++) {
      addresses[at] = VirtioNetFilter.address(data, offset + 4 + 6L * at);
    }
    return Optional.of(addresses);
  }

  private boolean vlan(int code, MemorySegment data) {
    if (code > 1 || data.byteSize() != 2 || !transport.negotiated(VirtioNet.CTRL_VLAN)) {
      return false;
    }
    int id = data.get(U16, 0) & 0xffff;
    if (id > 0xfff) {
      return false;
    }
    filter.vlan(id, code == 0);
    return true;
  }

  private boolean announced(int code) {
    if (code != 0 || !transport.negotiated(VirtioNet.GUEST_ANNOUNCE)) {
      return false;
    }
    device.announceAcknowledged();
    return true;
  }
}
