package dev.here.lab;

import java.util.List;
import java.util.Optional;

/**
 * The networks of a lab, each a bridge in the rack's network namespace with a TAP for each host.
 *
 * <p>{@code data} is the layer 2 that guests and their clients share; {@code repl} joins host with
 * host and nothing else, so that a partition can cut it alone; {@code ctl} joins the hosts with the
 * rack, where the witness is. {@code vlan} is a trunk for guests alone: tagged frames of up to 9000
 * octets pass it, and neither the rack nor a host has an address there.
 */
enum HostNetwork {
  DATA("data", "10.88.0.", 2, 1500),
  REPLICATION("repl", "10.88.1.", 3, 1500),
  CONTROL("ctl", "10.88.2.", 4, 1500),
  TRUNK("vlan", "10.88.4.", 5, 9000);

  /** Number of the rack's own address on the networks it takes part in. */
  static final int RACK = 1;

  private final String label;
  private final String prefix;
  private final int device;
  private final int mtuOctets;

  HostNetwork(String label, String prefix, int device, int mtuOctets) {
    this.label = label;
    this.prefix = prefix;
    this.device = device;
    this.mtuOctets = mtuOctets;
  }

  /** Name of the bridge, and of the network in messages. */
  String label() {
    return label;
  }

  /** The address with this number: the rack's is 1, hosts' follow from 11. */
  String address(int number) {
    return prefix + number;
  }

  /** Whether each host has an address on it. */
  boolean addressesHosts() {
    return this != TRUNK;
  }

  /** The bridge in a host that has its device as a port; empty where the device stands alone. */
  Optional<String> hostBridge() {
    return switch (this) {
      case DATA -> Optional.of("br0");
      case TRUNK -> Optional.of("br1");
      case REPLICATION, CONTROL -> Optional.empty();
    };
  }

  /** Name of a host's TAP; at most 15 characters (IFNAMSIZ). */
  String tap(String host) {
    return host + "-" + label;
  }

  /** The device address that the image's init knows the network by (host-init.sh). */
  String imageMac() {
    return "52:54:00:4c:00:%02x".formatted(device);
  }

  /** The device address of a running host, unique in the lab. */
  String hostMac(int number) {
    return "52:54:00:4c:%02x:%02x".formatted(number, device);
  }

  /** Makes the bridges; the rack itself has addresses on the data and the control network. */
  static void build(Rack rack) {
    for (HostNetwork network : values()) {
      rack.run("ip", "link", "add", network.label, "type", "bridge", "forward_delay", "0");
      rack.run("ip", "link", "set", network.label, "up");
      if (network == DATA || network == CONTROL) {
        rack.run("ip", "addr", "add", network.address(RACK) + "/24", "dev", network.label);
      }
    }
  }

  /** Makes a host's TAPs and joins them to the bridges. */
  static void plug(Rack rack, String host) {
    for (HostNetwork network : values()) {
      String tap = network.tap(host);
      rack.run("ip", "tuntap", "add", tap, "mode", "tap", "vnet_hdr");
      // A bridge takes the smallest MTU of its ports, so the port has its own first.
      rack.run("ip", "link", "set", tap, "mtu", Integer.toString(network.mtuOctets));
      rack.run("ip", "link", "set", tap, "master", network.label, "up");
    }
  }

  /** QEMU's options for a host's device on this network. */
  List<String> options(String host) {
    return List.of(
        "-netdev",
        "tap,id=%s,ifname=%s,script=no,downscript=no,vhost=off".formatted(label, tap(host)),
        "-device",
        "virtio-net-pci,netdev=%s,mac=%s,host_mtu=%d,romfile="
            .formatted(label, imageMac(), mtuOctets));
  }
}
