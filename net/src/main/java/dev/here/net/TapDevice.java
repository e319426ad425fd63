package dev.here.net;

import dev.here.ffi.Errno;
import dev.here.ffi.FileDescriptor;
import dev.here.ffi.Libc;
import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Tun;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A TAP interface with virtio-net headers of 12 octets (Documentation/networking/tuntap.rst). The
 * kernel finishes segmentation and checksums of frames for us unless {@link #accept} lets it leave
 * them; in the other direction it takes whatever the headers say.
 */
public final class TapDevice implements FramePort {
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
   *     nor may we make interfaces
   */
  public static TapDevice open(String name) {
    Tun.Interface tap = Tun.open(name, Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR);
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
