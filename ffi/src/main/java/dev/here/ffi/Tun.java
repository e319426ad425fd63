package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** The ioctls of /dev/net/tun (linux/if_tun.h, Documentation/networking/tuntap.rst). */
public final class Tun {
  public static final int IFF_TAP = 0x0002;
  public static final int IFF_NO_PI = 0x1000;
  public static final int IFF_VNET_HDR = 0x4000;
  public static final int IFF_MULTI_QUEUE = 0x0100;
  public static final int TUN_F_CSUM = 1;
  public static final int TUN_F_TSO4 = 2;
  public static final int TUN_F_TSO6 = 4;
  public static final int TUN_F_TSO_ECN = 8;
  public static final int TUN_F_UFO = 16;

  static final long TUNSETIFF = IoctlNumber.write('T', 202, JAVA_INT);
  static final long TUNSETPERSIST = IoctlNumber.write('T', 203, JAVA_INT);
  static final long TUNSETOFFLOAD = IoctlNumber.write('T', 208, JAVA_INT);
  static final long TUNSETVNETHDRSZ = IoctlNumber.write('T', 216, JAVA_INT);

  static final int IFNAMSIZ = 16;
  static final int IFREQ_BYTES = 40;
  private static final String DEVICE = "/dev/net/tun";

  private Tun() {}

  /** An open interface and the name that the kernel gave it. */
  public record Interface(FileDescriptor descriptor, String name) {}

  /**
   * Creates or attaches to an interface.
   *
   * @param name at most 15 bytes; {@code vm%d} lets the kernel number it
   * @param flags IFF_ bits
   * @throws NativeException EBUSY: another process has it; EPERM: CAP_NET_ADMIN is missing
   */
  public static Interface open(String name, int flags) {
    byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
    if (bytes.length >= IFNAMSIZ) {
      throw new IllegalArgumentException(
          "interface name %s has %d bytes, at most %d".formatted(name, bytes.length, IFNAMSIZ - 1));
    }
    FileDescriptor descriptor = FileDescriptor.open(DEVICE, Libc.O_RDWR);
    try {
      MemorySegment request = ThreadScratch.zeroed(IFREQ_BYTES);
      MemorySegment.copy(bytes, 0, request, JAVA_BYTE, 0, bytes.length);
      request.set(JAVA_SHORT, IFNAMSIZ, (short) flags);
      int result = Libc.ioctl(descriptor.number(), TUNSETIFF, request);
      if (result < 0) {
        throw new NativeException(-result, "TUNSETIFF " + name);
      }
      return new Interface(descriptor, request.getString(0, StandardCharsets.US_ASCII));
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
    }
  }

  /** Size in bytes of the struct virtio_net_hdr before each frame: 10, or 12 with num_buffers. */
  public static void vnetHeaderBytes(FileDescriptor tun, int sizeBytes) {
    MemorySegment value = ThreadScratch.segment();
    value.set(JAVA_INT, 0, sizeBytes);
    int result = Libc.ioctl(tun.number(), TUNSETVNETHDRSZ, value);
    if (result < 0) {
      throw new NativeException(-result, "TUNSETVNETHDRSZ " + sizeBytes);
    }
  }

  /** Which TUN_F_ offloads the reader of the descriptor accepts from the kernel. */
  public static void offload(FileDescriptor tun, int features) {
    int result = Libc.ioctl(tun.number(), TUNSETOFFLOAD, (long) features);
    if (result < 0) {
      throw new NativeException(-result, "TUNSETOFFLOAD 0x%x".formatted(features));
    }
  }

  /** Whether the interface stays when its descriptor is closed. */
  public static void persistent(FileDescriptor tun, boolean on) {
    int result = Libc.ioctl(tun.number(), TUNSETPERSIST, on ? 1L : 0L);
    if (result < 0) {
      throw new NativeException(-result, "TUNSETPERSIST " + on);
    }
  }
}
