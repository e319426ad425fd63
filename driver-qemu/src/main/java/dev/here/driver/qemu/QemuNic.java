package dev.here.driver.qemu;

/**
 * A network card of the guest and what is behind it.
 *
 * @param device the card's type, for example {@code virtio-net-pci}
 * @param mac its hardware address as QEMU prints it, for example {@code 52:54:00:12:34:56}
 * @param netdev id of the back end; filters are attached to it
 * @param backend kind of the back end, for example {@code tap}
 * @param options what QEMU prints of the back end, for example {@code ifname=tap0,script=no}
 * @param queues pairs of queues
 */
public record QemuNic(
    String device, String mac, String netdev, String backend, String options, int queues) {
  /** The host's interface, where the back end is a TAP that QEMU opened by name; else empty. */
  public String interfaceName() {
    for (String option : options.split(",")) {
      if (option.startsWith("ifname=")) {
        return option.substring("ifname=".length());
      }
    }
    return "";
  }
}
