package dev.here.net;

/**
 * Work on a frame that its sender may leave undone, for the receiver to finish or to pass on.
 *
 * @param checksum TCP and UDP checksums
 * @param tcp4 segmentation of TCP over IPv4
 * @param tcp6 segmentation of TCP over IPv6
 * @param ecn segmentation of TCP with ECN
 * @param udp fragmentation of UDP (UFO)
 */
public record Offloads(boolean checksum, boolean tcp4, boolean tcp6, boolean ecn, boolean udp) {
  /** Every frame is finished. */
  public static final Offloads NONE = new Offloads(false, false, false, false, false);

  private static final int GUEST_CSUM = 1;
  private static final int GUEST_TSO4 = 7;
  private static final int GUEST_TSO6 = 8;
  private static final int GUEST_ECN = 9;
  private static final int GUEST_UFO = 10;

  /** From virtio-net's guest offload bits, which are its feature bits (VIRTIO 1.2, 5.1.3). */
  public static Offloads ofVirtioBits(long bits) {
    return new Offloads(
        (bits >>> GUEST_CSUM & 1) != 0,
        (bits >>> GUEST_TSO4 & 1) != 0,
        (bits >>> GUEST_TSO6 & 1) != 0,
        (bits >>> GUEST_ECN & 1) != 0,
        (bits >>> GUEST_UFO & 1) != 0);
  }
}
