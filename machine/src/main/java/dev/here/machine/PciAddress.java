package dev.here.machine;

/**
 * Bus, device and function.
 *
 * @param bus 0 to 255
 * @param device 0 to 31
 * @param function 0 to 7
 */
public record PciAddress(int bus, int device, int function) {
  public PciAddress {
    Bounds.range("pci.bus", bus, 0, 255);
    Bounds.range("pci.device", device, 0, 31);
    Bounds.range("pci.function", function, 0, 7);
  }

  @Override
  public String toString() {
    return "%02x:%02x.%x".formatted(bus, device, function);
  }
}
