package dev.here.driver.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The host's interfaces behind QEMU's TAP back ends. QEMU prints a name only for a TAP that it
 * opened by one; of one that it was given (libvirt, Proxmox) it prints the descriptor, and of one
 * that its helper made nothing. The kernel tells the interface of each descriptor
 * (/proc/PID/fdinfo, drivers/net/tun.c).
 */
final class TapPorts {
  private static final String TAP = "tap";
  private static final Pattern NAME = Pattern.compile("(?:^|,)ifname=([^,]+)");
  private static final Pattern DESCRIPTOR = Pattern.compile("(?:^|,)fd=(\\d{1,9})(?:,|$)");

  private final NetworkText network;
  private final QemuProcess process;

  TapPorts(NetworkText network, QemuProcess process) {
    this.network = network;
    this.process = process;
  }

  /** Of a back end; empty where it is no TAP, or nothing tells which. */
  Optional<String> of(String netdev) {
    return network
        .backend(netdev)
        .filter(backend -> backend.kind().equals(TAP))
        .flatMap(backend -> named(backend).or(this::onlyOneLeft));
  }

  private Optional<String> named(NetworkText.Backend backend) {
    Matcher name = NAME.matcher(backend.options());
    if (name.find()) {
      return Optional.of(name.group(1));
    }
    Matcher descriptor = DESCRIPTOR.matcher(backend.options());
    return descriptor.find()
        ? process.tapOf(Integer.parseInt(descriptor.group(1)))
        : Optional.empty();
  }

  /** With one TAP that no other back end has there is no choice. */
  private Optional<String> onlyOneLeft() {
    List<String> left = new ArrayList<>(process.taps());
    network.backends().values().stream()
        .filter(backend -> backend.kind().equals(TAP))
        .forEach(backend -> named(backend).ifPresent(left::remove));
    return left.size() == 1 ? Optional.of(left.getFirst()) : Optional.empty();
  }
}
