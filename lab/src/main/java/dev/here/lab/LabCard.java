package dev.here.lab;

/**
 * A network device of a {@link LabGuest}: virtio-net on a TAP of its own.
 *
 * @param mac its device address
 * @param address its IPv4 address; the network's prefix has 24 bits
 * @param queues pairs of queues; the guest uses as many as it has virtual CPUs, at most all
 * @param vhost whether the host's kernel moves its frames (vhost=on), QEMU otherwise
 * @param vlan the VLAN that its port is in, untagged, on the bridge br1 of the trunk; 0: the port
 *     is on br0
 * @param mtuOctets the largest payload of a frame; 1500 on br0, 9000 on br1
 */
public record LabCard(
    String mac, String address, int queues, boolean vhost, int vlan, int mtuOctets) {
  /** The VLAN of cards on the trunk: the host's image has a script for this one. */
  public static final int VLAN = 100;

  static final String SCRIPT = "/etc/qemu-ifup";
  static final String TRUNK_SCRIPT = SCRIPT + ".br1." + VLAN;

  /** Checks that the host's image has a port for it. */
  public LabCard {
    if (vlan != 0 && vlan != VLAN) {
      throw new LabException("VLAN %d: a lab's trunk is for cards in %d".formatted(vlan, VLAN));
    }
    if (queues < 1 || queues > 8) {
      throw new LabException("a card has 1 to 8 pairs of queues, not %d".formatted(queues));
    }
  }

  /** As QEMU has it where nothing is said: one pair of queues, moved by QEMU, on br0. */
  static LabCard usual(String mac, String address) {
    return new LabCard(mac, address, 1, false, 0, 1500);
  }

  /** On br0, moved by the kernel, with two pairs of queues. */
  static LabCard fast(String mac, String address) {
    return new LabCard(mac, address, 2, true, 0, 1500);
  }

  /** In {@link #VLAN} on br1, moved by the kernel, with two pairs of queues and large frames. */
  static LabCard onTrunk(String mac, String address) {
    return new LabCard(mac, address, 2, true, VLAN, 9000);
  }

  /** QEMU's word for the TAP behind it, as {@code -netdev}'s argument. */
  String backEnd(String id) {
    String script = vlan == 0 ? SCRIPT : TRUNK_SCRIPT;
    String kernel = (vhost ? ",vhost=on" : "") + (queues > 1 ? ",queues=" + queues : "");
    return "tap,id=%s,script=%s,downscript=no%s".formatted(id, script, kernel);
  }

  /** QEMU's word for the device, as {@code -device}'s argument. */
  String device(String backEnd) {
    // An interrupt for each queue, one for the configuration, one for the control queue.
    String many = queues > 1 ? ",mq=on,vectors=%d".formatted(2 * queues + 2) : "";
    String large = mtuOctets == 1500 ? "" : ",host_mtu=" + mtuOctets;
    return "virtio-net-pci,netdev=%s,mac=%s%s%s,romfile=".formatted(backEnd, mac, many, large);
  }
}
