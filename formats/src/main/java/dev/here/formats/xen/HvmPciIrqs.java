package dev.here.formats.xen;

import java.util.List;

/**
 * The INTx wires of the PCI bus.
 *
 * @param instance 0
 * @param wires bit 4 * device + pin of 128: the wire is asserted
 */
public record HvmPciIrqs(int instance, List<Long> wires) implements HvmRecord {
  static final HvmLayout LAYOUT = HvmLayout.of("hvm_hw_pci_irqs", "pad:8*2");

  public HvmPciIrqs {
    wires = HvmContext.elements("hvm_hw_pci_irqs.pad", wires, 2);
  }

  static HvmPciIrqs decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmPciIrqs(instance, fields.numbers("pad"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.PCI_IRQ;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT).put("pad", wires).body();
  }
}
