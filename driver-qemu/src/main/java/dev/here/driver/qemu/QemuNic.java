package dev.here.driver.qemu;

/**
 * A network card of the guest and what is behind it.
 *
 * @param device the card's type, for example {@code virtio-net-pci}
 * @param mac its hardware address as QEMU prints it, for example {@code 52:54:00:12:34:56}
 * @param netdev id of the back end
 * @param backend kind of the back end, for example {@code tap}
 * @param port the host's interface, where the back end is a TAP; else empty
 * @param queues pairs of queues
 */
public record QemuNic(
    String device, String mac, String netdev, String backend, String port, int queues) {}
