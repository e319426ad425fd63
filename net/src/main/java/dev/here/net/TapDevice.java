package dev.here.net;

import dev.here.ffi.Errno;
import dev.here.ffi.FileDescriptor;
import dev.here.ffi.Libc;
import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Tun;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A TAP interface with virtio-net headers of 12 octets (Documentation/networking/tuntap.rst). The
 * kernel finishes segmentation and checksums of frames for us unless {@link #accept} lets it leave
 * them; in the other direction it takes whatever the headers say.
 */
public final class TapDevice implements FramePort {
  /** Most queues that the kernel gives an interface (MAX_TAP_QUEUES). */
  public static final int MAX_QUEUES = 256;

  /** More than the kernel's queue of an interface holds (TUN_READQ_SIZE, 500, or as set). */
  private static final int MAX_WAITING_FRAMES = 4096;

  private final FileDescriptor descriptor;
  private final String name;

  private TapDevice(FileDescriptor descriptor, String name) {
    this.descriptor = descriptor;
    this.name = name;
  }

  /**
   * Opens the interface {@code name} of this thread's network namespace, or creates it; what it
   * creates goes away with it. A name with {@code %d} is numbered by the kernel.
   *
   * @throws NativeException EBUSY when another process has it open; EPERM when it is neither ours
   *     nor may we make interfaces; EINVAL when it is there and has several queues
   */
  public static TapDevice open(String name) {
    return open(name, 1).getFirst();
  }

  /**
   * Opens {@code queues} queues of one interface, each a device of its own to read and write. The
   * kernel spreads what goes to the guest over those that are open, and puts the answers of a flow
   * on the queue that the flow was last written to (drivers/net/tun.c, tun_flow_update). Name and
   * offloads belong to the interface: they are the same on all queues.
   *
   * @param queues 1 to {@link #MAX_QUEUES}; one opens an interface that has no further ones
   * @throws NativeException as {@link #open(String)}; EINVAL when the interface is there and was
   *     made with one queue; E2BIG when others have all its queues open
   */
  public static List<TapDevice> open(String name, int queues) {
    if (queues < 1 || queues > MAX_QUEUES) {
      throw new IllegalArgumentException(
          "TAP %s with %d queues, must be 1 to %d".formatted(name, queues, MAX_QUEUES));
    }
    List<TapDevice> opened = new ArrayList<>();
    try {
      while (opened.size() < queues) {
        String next = opened.isEmpty() ? name : opened.getFirst().name();
        opened.add(openQueue(next, queues > 1 ? Tun.IFF_MULTI_QUEUE : 0));
      }
      return List.copyOf(opened);
    } catch (RuntimeException e) {
      opened.forEach(TapDevice::close);
      throw e;
    }
  }

  private static TapDevice openQueue(String name, int flags) {
    Tun.Interface tap = attached(name, Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR | flags);
    TapDevice device = new TapDevice(tap.descriptor(), tap.name());
    try {
      tap.descriptor().nonBlocking(true);
      Tun.vnetHeaderBytes(tap.descriptor(), HEADER_BYTES);
      device.accept(Offloads.NONE);
      return device;
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
  }

  private static Tun.Interface attached(String name, int flags) {
    try {
      return Tun.open(name, flags);
    } catch (NativeException e) {
      if (e.errno() != Errno.EINVAL) {
        throw e;
      }
      boolean several = (flags & Tun.IFF_MULTI_QUEUE) != 0;
      throw new NativeException(
          e.errno(),
          "TUNSETIFF " + name,
          several
              ? "is it a TAP with several queues? make it with ip tuntap add dev %s mode tap multi_queue"
                  .formatted(name)
              : "is it a TAP with one queue? one that was made with multi_queue is opened with two or more");
    }
  }

  /** The interface's name. */
  public String name() {
    return name;
  }

  /**
   * Sets the interface up.
   *
   * @throws NativeException EPERM without CAP_NET_ADMIN
   */
  public void up() {
    try (RouteNetlink netlink = RouteNetlink.open()) {
      netlink.up(name, true);
    }
  }

  @Override
  public boolean send(MemorySegment record, int length) {
    long written;
    do {
      written = Libc.write(descriptor.number(), record.address(), length);
    } while (written == -Errno.EINTR);
    // A full queue, an interface that is down, a header that makes no sense: the frame is lost.
    return written == length;
  }

  @Override
  public int receive(MemorySegment record, int timeoutMillis) {
    long length = Libc.read(descriptor.number(), record.address(), MAX_RECORD_BYTES);
    if (length < 0 && timeoutMillis > 0 && awaitFrame(timeoutMillis)) {
      length = Libc.read(descriptor.number(), record.address(), MAX_RECORD_BYTES);
    }
    return (int) Math.max(0, length);
  }

  /**
   * Throws away the frames that wait here, so many at most that it comes to an end under any
   * traffic.
   */
  public void discardWaiting() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment record = arena.allocate(MAX_RECORD_BYTES, 8);
      int left = MAX_WAITING_FRAMES;
      while (left-- > 0 && receive(record, 0) > 0) {
        // What was read is forgotten.
      }
    }
  }

  private boolean awaitFrame(int timeoutMillis) {
    return Libc.pollOne(descriptor.number(), Libc.POLLIN, timeoutMillis) > 0;
  }

  @Override
  public void accept(Offloads offloads) {
    int features = 0;
    // Segmentation needs checksums, ECN needs segmentation of TCP: else the kernel says EINVAL.
    if (offloads.checksum()) {
      features =
          Tun.TUN_F_CSUM
              | (offloads.tcp4() ? Tun.TUN_F_TSO4 : 0)
              | (offloads.tcp6() ? Tun.TUN_F_TSO6 : 0)
              | (offloads.ecn() && (offloads.tcp4() || offloads.tcp6()) ? Tun.TUN_F_TSO_ECN : 0)
              | (offloads.udp() ? Tun.TUN_F_UFO : 0);
    }
    Tun.offload(descriptor, features);
  }

  @Override
  public void close() {
    descriptor.close();
  }

  @Override
  public String toString() {
    return "TAP " + name;
  }
}
