package dev.here.driver.qemu;

import java.util.Map;
import java.util.Optional;

/**
 * A device as {@code info qtree} shows it.
 *
 * @param type QEMU's type name, for example {@code virtio-net-pci}
 * @param id the user's id, empty for none
 * @param bus name of the bus that it sits on, for example {@code pci.0}
 * @param parent index in the list of the device that has the bus, -1 for the main bus
 * @param properties name to value as printed: strings without their quotes, numbers in decimal with
 *     the printed explanation in parentheses cut off
 */
public record QtreeDevice(
    String type, String id, String bus, int parent, Map<String, String> properties) {
  public QtreeDevice {
    properties = Map.copyOf(properties);
  }

  /** A property's value. */
  public Optional<String> property(String name) {
    return Optional.ofNullable(properties.get(name));
  }

  /** True if the property is there and {@code true} or {@code on}. */
  public boolean isOn(String name) {
    String value = properties.getOrDefault(name, "");
    return value.equals("true") || value.equals("on");
  }

  /** The device's type with its id or PCI address, as messages name it. */
  public String label() {
    if (!id.isEmpty()) {
      return "%s (id %s)".formatted(type, id);
    }
    return property("addr").map(addr -> "%s (at PCI %s)".formatted(type, addr)).orElse(type);
  }
}
