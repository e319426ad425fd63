package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.Consumer;

/** A raw socket on one interface (packet(7)): sends and receives whole Ethernet frames. */
public final class PacketSocket implements AutoCloseable {
  /** Every protocol. */
  public static final int ETH_P_ALL = 3;

  static final int SOL_PACKET = 263;
  static final int PACKET_AUXDATA = 8;
  static final int PACKET_STATISTICS = 6;
  static final int PACKET_IGNORE_OUTGOING = 23;
  static final int TP_STATUS_VLAN_VALID = 1 << 4;

  /** struct tpacket_auxdata (linux/if_packet.h). */
  static final int AUXDATA_BYTES = 20;

  static final int TP_VLAN_TCI_OFFSET = 16;

  /** struct tpacket_stats (linux/if_packet.h): received, then dropped. */
  static final int STATISTICS_BYTES = 8;

  private static final int SOCKADDR_LL_BYTES = 20;
  private static final int VLAN_MASK = 0xfff;

  private final FileDescriptor descriptor;

  private PacketSocket(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  /**
   * Opens a socket bound to an interface.
   *
   * @param etherType host byte order; {@link #ETH_P_ALL} receives everything, 0 nothing
   * @throws NativeException EPERM: CAP_NET_RAW is missing
   */
  public static PacketSocket open(int interfaceIndex, int etherType) {
    return open(interfaceIndex, etherType, socket -> {});
  }

  /**
   * Opens a socket that receives every frame that arrives at an interface, with its VLAN ({@link
   * #arrival}); what is sent on the interface is left out. The kernel tells the VLAN to sockets for
   * {@link #ETH_P_ALL} only: for others it has forgotten it.
   *
   * @param bufferBytes room for frames that wait to be received. Needs CAP_NET_ADMIN, but no
   *     setting of the machine limits it
   */
  public static PacketSocket watch(int interfaceIndex, int bufferBytes) {
    return open(
        interfaceIndex,
        ETH_P_ALL,
        socket -> {
          socket.set(SOL_PACKET, PACKET_AUXDATA, 1);
          socket.set(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
          socket.set(Sockets.SOL_SOCKET, Sockets.SO_RCVBUFFORCE, bufferBytes);
        });
  }

  /**
   * The protocol is given with the interface only: a socket that has one before receives the frames
   * of all interfaces until it is bound, and one that has one before its options does not keep to
   * them (packet(7)).
   */
  private static PacketSocket open(
      int interfaceIndex, int etherType, Consumer<PacketSocket> settings) {
    var socket =
        new PacketSocket(
            FileDescriptor.of(
                Sockets.socket(Sockets.AF_PACKET, Sockets.SOCK_RAW, 0),
                "packet socket on interface " + interfaceIndex,
                "open a packet socket"));
    try {
      settings.accept(socket);
      socket.bind(interfaceIndex, etherType);
      return socket;
    } catch (RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  private void set(int level, int option, int value) {
    int result = Sockets.setsockopt(descriptor.number(), level, option, value);
    if (result < 0) {
      throw new NativeException(
          -result, "set option %d of a packet socket to %d".formatted(option, value));
    }
  }

  private void bind(int interfaceIndex, int etherType) {
    MemorySegment address = ThreadScratch.zeroed(SOCKADDR_LL_BYTES);
    address.set(JAVA_SHORT, 0, (short) Sockets.AF_PACKET);
    address.set(JAVA_SHORT, 2, Short.reverseBytes((short) etherType));
    address.set(JAVA_INT, 4, interfaceIndex);
    int result = Sockets.bind(descriptor.number(), address, SOCKADDR_LL_BYTES);
    if (result < 0) {
      throw new NativeException(-result, "bind a packet socket to interface " + interfaceIndex);
    }
  }

  /** Sends one frame from native memory; 0 or the negated errno (ENETDOWN: the link is down). */
  public int send(MemorySegment frame) {
    long result =
        Sockets.send(descriptor.number(), frame.address(), frame.byteSize(), Sockets.MSG_NOSIGNAL);
    return result < 0 ? (int) result : 0;
  }

  /** Receives one frame without waiting; its size, or the negated errno (EAGAIN: none is there). */
  public int receive(MemorySegment into) {
    return (int)
        Sockets.receive(descriptor.number(), into.address(), into.byteSize(), Sockets.MSG_DONTWAIT);
  }

  /**
   * A received frame.
   *
   * @param sizeBytes how much of it is in the memory that was given, without the tag of its VLAN,
   *     which the kernel takes out of frames
   * @param vlan the VLAN of its tag; empty for a frame without one
   */
  public record Arrival(int sizeBytes, Optional<Integer> vlan) {}

  /** How many frames had no room since this was last asked. */
  public long dropped() {
    MemorySegment scratch = ThreadScratch.segment();
    MemorySegment length = scratch.asSlice(STATISTICS_BYTES, 4);
    length.set(JAVA_INT, 0, STATISTICS_BYTES);
    int result =
        Sockets.getsockopt(descriptor.number(), SOL_PACKET, PACKET_STATISTICS, scratch, length);
    if (result < 0) {
      throw new NativeException(-result, "read a packet socket's statistics");
    }
    return Integer.toUnsignedLong(scratch.get(JAVA_INT, 4));
  }

  /**
   * Receives one frame without waiting, of a socket that {@link #watch} opened.
   *
   * @return empty when none is there
   */
  public Optional<Arrival> arrival(MemorySegment into) {
    MemorySegment header = MsgHdr.over(into.address(), into.byteSize());
    MsgHdr.expectBytes(header, AUXDATA_BYTES);
    long size = Sockets.recvmsg(descriptor.number(), header, Sockets.MSG_DONTWAIT);
    if (size == -Errno.EAGAIN || size == -Errno.EINTR) {
      return Optional.empty();
    }
    if (size < 0) {
      throw new NativeException((int) -size, "receive from a packet socket");
    }
    Optional<Integer> vlan = Optional.empty();
    if (MsgHdr.carries(header, SOL_PACKET, PACKET_AUXDATA)
        && (header.get(JAVA_INT, MsgHdr.contentAt()) & TP_STATUS_VLAN_VALID) != 0) {
      vlan =
          Optional.of(header.get(JAVA_SHORT, MsgHdr.contentAt() + TP_VLAN_TCI_OFFSET) & VLAN_MASK);
    }
    return Optional.of(new Arrival((int) size, vlan));
  }

  public FileDescriptor descriptor() {
    return descriptor;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
