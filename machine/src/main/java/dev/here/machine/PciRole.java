package dev.here.machine;

/** What a PCI function is, to the VMM that must wear it. */
public enum PciRole {
  /** i440FX host bridge. */
  HOST_BRIDGE,
  /** PIIX3 ISA bridge with the interrupt router. */
  ISA_BRIDGE,
  /** PIIX3 IDE. */
  IDE,
  /** PIIX4 power management. */
  ACPI_PM,
  /** Standard VGA as a framebuffer. */
  VGA,
  /** A virtio device; its state is in a {@link VirtioDevice} with the same address. */
  VIRTIO
}
