package dev.here.formats.xen;

/**
 * The wires of the ISA interrupts.
 *
 * @param instance 0
 * @param wires bit n: interrupt n is asserted; the other bits are kept
 */
public record HvmIsaIrqs(int instance, long wires) implements HvmRecord {
  static final HvmLayout LAYOUT = HvmLayout.of("hvm_hw_isa_irqs", "pad:8");

  static HvmIsaIrqs decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmIsaIrqs(instance, fields.number("pad"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.ISA_IRQ;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT).put("pad", wires).body();
  }
}
