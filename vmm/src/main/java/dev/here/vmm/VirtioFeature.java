package dev.here.vmm;

import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;

/**
 * Feature bits that do not belong to one kind of device (VIRTIO 1.2, chapter 6 and section 6.3 for
 * the legacy ones), and names for error texts.
 */
final class VirtioFeature {
  static final int NOTIFY_ON_EMPTY = 24;
  static final int ANY_LAYOUT = 27;
  static final int INDIRECT_DESCRIPTORS = 28;
  static final int EVENT_INDEX = 29;

  /** A driver that sets this has no idea of features (QEMU's VIRTIO_F_BAD_FEATURE). */
  static final int BAD_FEATURE = 30;

  static final int VERSION_1 = 32;
  static final int ACCESS_PLATFORM = 33;
  static final int RING_PACKED = 34;
  static final int IN_ORDER = 35;
  static final int ORDER_PLATFORM = 36;
  static final int SINGLE_ROOT_IO = 37;
  static final int NOTIFICATION_DATA = 38;
  static final int RING_RESET = 40;

  /** What {@link Virtqueue} and {@link VirtioTransport} can do. */
  static final long TRANSPORT =
      mask(
          NOTIFY_ON_EMPTY,
          ANY_LAYOUT,
          INDIRECT_DESCRIPTORS,
          EVENT_INDEX,
          BAD_FEATURE,
          VERSION_1,
          RING_RESET);

  private static final Map<Integer, String> NAMES =
      Map.ofEntries(
          Map.entry(ACCESS_PLATFORM, "iommu_platform"),
          Map.entry(RING_PACKED, "packed"),
          Map.entry(IN_ORDER, "in_order"),
          Map.entry(ORDER_PLATFORM, "order_platform"),
          Map.entry(SINGLE_ROOT_IO, "sr_iov"),
          Map.entry(NOTIFICATION_DATA, "notification_data"),
          Map.entry(RING_RESET, "queue_reset"),
          Map.entry(54, "guest_uso4"),
          Map.entry(55, "guest_uso6"),
          Map.entry(56, "host_uso"),
          Map.entry(57, "hash"),
          Map.entry(60, "rss"),
          Map.entry(62, "failover"));

  private VirtioFeature() {}

  static long mask(int... bits) {
    long mask = 0;
    for (int bit : bits) {
      mask |= 1L << bit;
    }
    return mask;
  }

  static boolean has(long features, int bit) {
    return (features >>> bit & 1) != 0;
  }

  /** For example {@code packed (bit 34), bit 41}. */
  static String names(long features) {
    TreeMap<Integer, String> bits = new TreeMap<>();
    for (int bit = 0; bit < Long.SIZE; bit++) {
      if (has(features, bit)) {
        String name = NAMES.get(bit);
        bits.put(bit, name == null ? "bit " + bit : name + " (bit " + bit + ")");
      }
    }
    StringJoiner joined = new StringJoiner(", ");
    bits.values().forEach(joined::add);
    return joined.toString();
  }
}
