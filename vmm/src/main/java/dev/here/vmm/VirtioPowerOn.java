package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.MsixEntry;
import dev.here.machine.MsixState;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.PciFunction;
import dev.here.machine.PciRole;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioKind;
import dev.here.machine.VirtioNetState;
import dev.here.machine.VirtioQueue;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * A transitional virtio device as a machine finds it at power-on, laid out as QEMU lays it out: BAR
 * 0 legacy registers in I/O space, BAR 1 the MSI-X table, BAR 4 (64 bits, prefetchable) the modern
 * structures. The BARs have addresses that differ by slot, and decode, as firmware would leave
 * them.
 *
 * @param function its PCI part
 * @param device its virtio part
 */
public record VirtioPowerOn(PciFunction function, VirtioDevice device) {
  private static final int VENDOR = 0x1af4;
  private static final int TRANSITIONAL_NET = 0x1000;
  private static final int TRANSITIONAL_BLOCK = 0x1001;
  private static final int TRANSITIONAL_RNG = 0x1005;
  private static final int MSIX_CAPABILITY = 0x98;
  private static final int MSIX_BAR_BYTES = 0x1000;
  private static final int MODERN_BAR_BYTES = 0x4000;
  private static final int STRUCTURE_BYTES = 0x1000;
  private static final int LEGACY_BAR_BYTES = 0x80;
  private static final int FIRST_PORT = 0xc000;
  private static final int FIRST_MSIX_GPA = 0xfebd_0000;
  private static final int FIRST_MODERN_GPA = 0xfe00_0000;
  private static final int[] INTERRUPT_LINES = {10, 10, 11, 11};
  private static final int BLOCK_CONFIG_BYTES = 60;
  private static final int NET_CONFIG_BYTES = 12;
  private static final int SEGMENTS_MAX = 126;
  private static final int ZERO_SECTORS_MAX = 0x3f_ffff;
  private static final long COMMON_FEATURES =
      VirtioFeature.mask(
          VirtioFeature.ANY_LAYOUT,
          VirtioFeature.INDIRECT_DESCRIPTORS,
          VirtioFeature.EVENT_INDEX,
          VirtioFeature.VERSION_1);

  /**
   * A network device with pairs of queues of 256 entries and a control queue.
   *
   * @param queuePairs 1 to {@link VirtioNetState#MAX_QUEUE_PAIRS}
   */
  public static VirtioPowerOn network(PciAddress address, Bytes mac, int queuePairs) {
    long features =
        COMMON_FEATURES
            | VirtioFeature.mask(
                VirtioNet.CSUM,
                VirtioNet.GUEST_CSUM,
                VirtioNet.CTRL_GUEST_OFFLOADS,
                VirtioNet.MAC,
                VirtioNet.GUEST_TSO4,
                VirtioNet.GUEST_TSO6,
                VirtioNet.GUEST_ECN,
                VirtioNet.HOST_TSO4,
                VirtioNet.HOST_TSO6,
                VirtioNet.HOST_ECN,
                VirtioNet.MRG_RXBUF,
                VirtioNet.STATUS,
                VirtioNet.CTRL_VQ,
                VirtioNet.CTRL_RX,
                VirtioNet.CTRL_VLAN,
                VirtioNet.CTRL_RX_EXTRA,
                VirtioNet.GUEST_ANNOUNCE,
                VirtioNet.CTRL_MAC_ADDR)
            | (queuePairs > 1 ? VirtioFeature.mask(VirtioNet.MQ) : 0);
    byte[] config = new byte[NET_CONFIG_BYTES];
    System.arraycopy(mac.toArray(), 0, config, 0, 6);
    config[6] = 1;
    put(config, 8, 2, queuePairs);
    List<Integer> queueSizes = new ArrayList<>(Collections.nCopies(2 * queuePairs, 256));
    queueSizes.add(64);
    VirtioNetState net =
        new VirtioNetState(
            mac,
            1,
            true,
            false,
            false,
            false,
            false,
            false,
            List.of(),
            List.of(),
            Bytes.zero(512),
            0,
            1,
            queuePairs,
            0);
    return make(address, VirtioKind.NET, features, queueSizes, config, Optional.of(net));
  }

  /** A disk with one queue of 128 entries. */
  public static VirtioPowerOn block(PciAddress address, long capacitySectors, boolean readOnly) {
    long features =
        COMMON_FEATURES
            | VirtioFeature.mask(
                VirtioBlock.SEG_MAX,
                VirtioBlock.BLK_SIZE,
                VirtioBlock.FLUSH,
                VirtioBlock.CONFIG_WCE,
                VirtioBlock.WRITE_ZEROES)
            | (readOnly ? VirtioFeature.mask(VirtioBlock.READ_ONLY) : 0);
    byte[] config = new byte[BLOCK_CONFIG_BYTES];
    put(config, 0, 8, capacitySectors);
    put(config, 12, 4, SEGMENTS_MAX);
    put(config, 20, 4, 512);
    config[VirtioBlock.CONFIG_WRITEBACK] = 1;
    put(config, 34, 2, 1);
    put(config, 48, 4, ZERO_SECTORS_MAX);
    put(config, 52, 4, 1);
    return make(address, VirtioKind.BLOCK, features, List.of(128), config, Optional.empty());
  }

  /** An entropy source with one queue of 8 entries. */
  public static VirtioPowerOn rng(PciAddress address) {
    return make(
        address, VirtioKind.RNG, COMMON_FEATURES, List.of(8), new byte[0], Optional.empty());
  }

  private static VirtioPowerOn make(
      PciAddress address,
      VirtioKind kind,
      long features,
      List<Integer> queueSizes,
      byte[] config,
      Optional<VirtioNetState> net) {
    List<VirtioQueue> queues = new ArrayList<>();
    for (int size : queueSizes) {
      queues.add(Virtqueue.unusedState(queues.size(), size));
    }
    VirtioDevice device =
        new VirtioDevice(
            address,
            kind,
            true,
            true,
            features,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            Virtqueue.NO_VECTOR,
            0,
            false,
            queues,
            List.of(),
            Bytes.of(config),
            net);
    return new VirtioPowerOn(function(address, kind, queues.size() + 1), device);
  }

  private static PciFunction function(PciAddress address, VirtioKind kind, int vectors) {
    int slot = address.device();
    byte[] config = new byte[256];
    put(config, 0x00, 2, VENDOR);
    put(config, 0x02, 2, deviceId(kind));
    put(config, 0x04, 2, 3);
    put(config, 0x06, 2, 0x10);
    put(config, 0x09, 3, classCode(kind));
    put(config, 0x10, 4, FIRST_PORT + (long) slot * LEGACY_BAR_BYTES | 1);
    put(config, 0x14, 4, FIRST_MSIX_GPA + (long) slot * MSIX_BAR_BYTES);
    put(config, 0x20, 4, FIRST_MODERN_GPA + (long) slot * MODERN_BAR_BYTES | 0xc);
    put(config, 0x2c, 2, VENDOR);
    put(config, 0x2e, 2, kind.deviceId());
    put(config, 0x34, 1, MSIX_CAPABILITY);
    put(config, 0x3c, 1, INTERRUPT_LINES[slot - 1 & 3]);
    put(config, 0x3d, 1, 1);
    capabilities(config, vectors);
    MsixEntry masked = new MsixEntry(0, 0, true);
    return new PciFunction(
        address,
        PciRole.VIRTIO,
        Bytes.of(config),
        List.of(
            new PciBar(0, true, false, false, LEGACY_BAR_BYTES),
            new PciBar(1, false, false, false, MSIX_BAR_BYTES),
            new PciBar(4, false, true, true, MODERN_BAR_BYTES)),
        Optional.of(
            new MsixState(
                MSIX_CAPABILITY,
                Collections.nCopies(vectors, masked),
                Bytes.zero((vectors + 63) / 64 * 8))),
        0);
  }

  /** MSI-X, then access through configuration space, notify, device, ISR, common. */
  private static void capabilities(byte[] config, int vectors) {
    put(config, MSIX_CAPABILITY, 2, 0x8411);
    put(config, MSIX_CAPABILITY + 2, 2, vectors - 1L);
    put(config, MSIX_CAPABILITY + 4, 4, 1);
    put(config, MSIX_CAPABILITY + 8, 4, 0x801);
    put(config, 0x84, 4, 0x05147009);
    structure(config, 0x70, 0x60, 0x14, 2, 0x3000);
    put(config, 0x80, 4, 4);
    structure(config, 0x60, 0x50, 0x10, 4, 0x2000);
    structure(config, 0x50, 0x40, 0x10, 3, 0x1000);
    structure(config, 0x40, 0, 0x10, 1, 0);
  }

  private static void structure(
      byte[] config, int at, int next, int length, int type, int barOffset) {
    put(config, at, 4, 0x09 | next << 8 | length << 16 | (long) type << 24);
    put(config, at + 4, 4, 4);
    put(config, at + 8, 4, barOffset);
    put(config, at + 12, 4, STRUCTURE_BYTES);
  }

  private static int deviceId(VirtioKind kind) {
    return switch (kind) {
      case NET -> TRANSITIONAL_NET;
      case BLOCK -> TRANSITIONAL_BLOCK;
      case RNG -> TRANSITIONAL_RNG;
    };
  }

  private static int classCode(VirtioKind kind) {
    return switch (kind) {
      case NET -> 0x020000;
      case BLOCK -> 0x010000;
      case RNG -> 0x00ff00;
    };
  }

  private static void put(byte[] config, int offset, int sizeBytes, long value) {
    for (int at = 0; at < sizeBytes; at++) {
      config[offset + at] = (byte) (value >>> at * 8);
    }
  }
}
