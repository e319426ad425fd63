package dev.here.machine;

import java.util.List;

/**
 * What a network device adds.
 *
 * @param mac six octets
 * @param linkStatus status field of its configuration
 * @param promiscuous receive filter
 * @param allMulticast receive filter
 * @param allUnicast receive filter
 * @param noMulticast receive filter
 * @param noUnicast receive filter
 * @param noBroadcast receive filter
 * @param unicastFilter addresses, six octets each
 * @param multicastFilter addresses, six octets each
 * @param vlanFilter 4096 bits, bit n of octet n/8
 * @param guestOffloads offloads in force, as the features' bits
 * @param queuePairs in use
 * @param maxQueuePairs offered, 1 without VIRTIO_NET_F_MQ
 * @param mtu 0 when not offered
 */
public record VirtioNetState(
    Bytes mac,
    int linkStatus,
    boolean promiscuous,
    boolean allMulticast,
    boolean allUnicast,
    boolean noMulticast,
    boolean noUnicast,
    boolean noBroadcast,
    List<Bytes> unicastFilter,
    List<Bytes> multicastFilter,
    Bytes vlanFilter,
    long guestOffloads,
    int queuePairs,
    int maxQueuePairs,
    int mtu) {
  /** As many as a TAP of Linux has queues (MAX_TAP_QUEUES), and as QEMU gives a device. */
  public static final int MAX_QUEUE_PAIRS = 256;

  public VirtioNetState {
    Bounds.length("virtioNet.mac", mac, 6);
    Bounds.length("virtioNet.vlanFilter", vlanFilter, 512);
    Bounds.range("virtioNet.maxQueuePairs", maxQueuePairs, 1, MAX_QUEUE_PAIRS);
    Bounds.range("virtioNet.queuePairs", queuePairs, 1, maxQueuePairs);
    unicastFilter = List.copyOf(unicastFilter);
    multicastFilter = List.copyOf(multicastFilter);
  }
}
