package dev.here.formats.xen;

import dev.here.machine.Bytes;

/**
 * The ISA bridge's routing of PIRQA# to PIRQD#.
 *
 * @param instance 0
 * @param route ISA interrupt of each of four, 0 for none
 * @param pad0 kept
 */
public record HvmPciLinks(int instance, Bytes route, Bytes pad0) implements HvmRecord {
  static final HvmLayout LAYOUT = HvmLayout.of("hvm_hw_pci_link", "route:1*4 pad0:1*4");

  public HvmPciLinks {
    HvmContext.octets("hvm_hw_pci_link.route", route, 4);
    HvmContext.octets("hvm_hw_pci_link.pad0", pad0, 4);
  }

  static HvmPciLinks decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmPciLinks(instance, fields.octets("route"), fields.octets("pad0"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.PCI_LINK;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT).put("route", route).put("pad0", pad0).body();
  }
}
