package dev.here.formats.qemu;

import dev.here.machine.VirtioKind;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Feature bits of a virtio device from what QEMU's {@code x-query-virtio-status} says of them
 * ({@code host-features}, {@code guest-features}): texts that begin with the feature's name, and
 * numbers for those that QEMU has no name for. Bits: VIRTIO 1.2, chapter 6 and the devices' own
 * sections; the two of vhost that QEMU names instead of the legacy bits with the same number.
 */
public final class QemuVirtioFeatures {
  private static final Map<String, Integer> COMMON =
      Map.ofEntries(
          Map.entry("VIRTIO_F_NOTIFY_ON_EMPTY", 24),
          Map.entry("VHOST_F_LOG_ALL", 26),
          Map.entry("VIRTIO_F_ANY_LAYOUT", 27),
          Map.entry("VIRTIO_RING_F_INDIRECT_DESC", 28),
          Map.entry("VIRTIO_RING_F_EVENT_IDX", 29),
          Map.entry("VHOST_USER_F_PROTOCOL_FEATURES", 30),
          Map.entry("VIRTIO_F_VERSION_1", 32),
          Map.entry("VIRTIO_F_IOMMU_PLATFORM", 33),
          Map.entry("VIRTIO_F_RING_PACKED", 34),
          Map.entry("VIRTIO_F_IN_ORDER", 35),
          Map.entry("VIRTIO_F_ORDER_PLATFORM", 36),
          Map.entry("VIRTIO_F_SR_IOV", 37),
          Map.entry("VIRTIO_F_RING_RESET", 40));

  private static final Map<String, Integer> NET =
      Map.ofEntries(
          Map.entry("VIRTIO_NET_F_CSUM", 0),
          Map.entry("VIRTIO_NET_F_GUEST_CSUM", 1),
          Map.entry("VIRTIO_NET_F_CTRL_GUEST_OFFLOADS", 2),
          Map.entry("VIRTIO_NET_F_MTU", 3),
          Map.entry("VIRTIO_NET_F_MAC", 5),
          Map.entry("VIRTIO_NET_F_GSO", 6),
          Map.entry("VIRTIO_NET_F_GUEST_TSO4", 7),
          Map.entry("VIRTIO_NET_F_GUEST_TSO6", 8),
          Map.entry("VIRTIO_NET_F_GUEST_ECN", 9),
          Map.entry("VIRTIO_NET_F_GUEST_UFO", 10),
          Map.entry("VIRTIO_NET_F_HOST_TSO4", 11),
          Map.entry("VIRTIO_NET_F_HOST_TSO6", 12),
          Map.entry("VIRTIO_NET_F_HOST_ECN", 13),
          Map.entry("VIRTIO_NET_F_HOST_UFO", 14),
          Map.entry("VIRTIO_NET_F_MRG_RXBUF", 15),
          Map.entry("VIRTIO_NET_F_STATUS", 16),
          Map.entry("VIRTIO_NET_F_CTRL_VQ", 17),
          Map.entry("VIRTIO_NET_F_CTRL_RX", 18),
          Map.entry("VIRTIO_NET_F_CTRL_VLAN", 19),
          Map.entry("VIRTIO_NET_F_CTRL_RX_EXTRA", 20),
          Map.entry("VIRTIO_NET_F_GUEST_ANNOUNCE", 21),
          Map.entry("VIRTIO_NET_F_MQ", 22),
          Map.entry("VIRTIO_NET_F_CTRL_MAC_ADDR", 23),
          Map.entry("VIRTIO_NET_F_HASH_REPORT", 57),
          Map.entry("VIRTIO_NET_F_RSS", 60),
          Map.entry("VIRTIO_NET_F_RSC_EXT", 61),
          Map.entry("VIRTIO_NET_F_STANDBY", 62),
          Map.entry("VIRTIO_NET_F_SPEED_DUPLEX", 63));

  private static final Map<String, Integer> BLOCK =
      Map.ofEntries(
          Map.entry("VIRTIO_BLK_F_BARRIER", 0),
          Map.entry("VIRTIO_BLK_F_SIZE_MAX", 1),
          Map.entry("VIRTIO_BLK_F_SEG_MAX", 2),
          Map.entry("VIRTIO_BLK_F_GEOMETRY", 4),
          Map.entry("VIRTIO_BLK_F_RO", 5),
          Map.entry("VIRTIO_BLK_F_BLK_SIZE", 6),
          Map.entry("VIRTIO_BLK_F_SCSI", 7),
          Map.entry("VIRTIO_BLK_F_FLUSH", 9),
          Map.entry("VIRTIO_BLK_F_TOPOLOGY", 10),
          Map.entry("VIRTIO_BLK_F_CONFIG_WCE", 11),
          Map.entry("VIRTIO_BLK_F_MQ", 12),
          Map.entry("VIRTIO_BLK_F_DISCARD", 13),
          Map.entry("VIRTIO_BLK_F_WRITE_ZEROES", 14));

  private QemuVirtioFeatures() {}

  /**
   * The bits.
   *
   * @param kind the kind of device
   * @param features the member {@code host-features} or {@code guest-features} of the answer
   * @throws QemuStreamException if a name is not known, which a newer QEMU may use
   */
  public static long bits(VirtioKind kind, JsonNode features) {
    long bits = features.path("unknown-dev-features").asLong(0);
    for (String list : new String[] {"dev-features", "transports"}) {
      for (JsonNode text : features.path(list)) {
        bits |= 1L << bit(kind, text.asString(""));
      }
    }
    return bits;
  }

  private static int bit(VirtioKind kind, String text) {
    int colon = text.indexOf(':');
    String name = colon < 0 ? text : text.substring(0, colon);
    Map<String, Integer> own =
        switch (kind) {
          case NET -> NET;
          case BLOCK -> BLOCK;
          case RNG -> Map.of();
        };
    Integer bit = own.getOrDefault(name, COMMON.get(name));
    if (bit == null) {
      throw new QemuStreamException(
          -1,
          "QEMU names a feature '"
              + RamPages.printable(name)
              + "' of a virtio "
              + kind
              + " device, which is not known: it can't be carried");
    }
    return bit;
  }
}
