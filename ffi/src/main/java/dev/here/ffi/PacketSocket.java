package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/** A raw socket on one interface (packet(7)): sends and receives whole Ethernet frames. */
public final class PacketSocket implements AutoCloseable {
  /** Every protocol. */
  public static final int ETH_P_ALL = 3;

  private static final int SOCKADDR_LL_BYTES = 20;

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
    short protocol = Short.reverseBytes((short) etherType);
    FileDescriptor descriptor =
        FileDescriptor.of(
            Sockets.socket(Sockets.AF_PACKET, Sockets.SOCK_RAW, protocol & 0xffff),
            "packet socket on interface " + interfaceIndex,
            "open a packet socket");
    try {
      MemorySegment address = ThreadScratch.zeroed(SOCKADDR_LL_BYTES);
      address.set(JAVA_SHORT, 0, (short) Sockets.AF_PACKET);
      address.set(JAVA_SHORT, 2, protocol);
      address.set(JAVA_INT, 4, interfaceIndex);
      int result = Sockets.bind(descriptor.number(), address, SOCKADDR_LL_BYTES);
      if (result < 0) {
        throw new NativeException(-result, "bind a packet socket to interface " + interfaceIndex);
      }
      return new PacketSocket(descriptor);
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
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

  public FileDescriptor descriptor() {
    return descriptor;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
