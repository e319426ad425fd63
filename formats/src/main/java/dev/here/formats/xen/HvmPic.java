package dev.here.formats.xen;

/**
 * One 8259A.
 *
 * @param instance 0 master, 1 slave
 * @param irr requests
 * @param imr mask
 * @param isr in service
 * @param irqBase vector of input 0
 * @param initAndPriority low half: initialisation step in bits 0-1, bit 2 ICW4 follows, bit 3
 *     single; high half: the input with highest priority
 * @param modes bit 0 reads give ISR, 1 poll, 2 automatic EOI, 3 rotate on it, 4 special fully
 *     nested, 5 special mask, 6 master; bit 7 is kept
 * @param elcr level-triggered inputs
 * @param intOutput level of its output
 */
public record HvmPic(
    int instance,
    int irr,
    int imr,
    int isr,
    int irqBase,
    int initAndPriority,
    int modes,
    int elcr,
    int intOutput)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of(
          "hvm_hw_vpic",
          "irr:1 imr:1 isr:1 irq_base:1 init_and_priority:1 modes:1 elcr:1 int_output:1");

  static HvmPic decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmPic(
        instance,
        fields.small("irr"),
        fields.small("imr"),
        fields.small("isr"),
        fields.small("irq_base"),
        fields.small("init_and_priority"),
        fields.small("modes"),
        fields.small("elcr"),
        fields.small("int_output"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.PIC;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT)
        .put("irr", irr)
        .put("imr", imr)
        .put("isr", isr)
        .put("irq_base", irqBase)
        .put("init_and_priority", initAndPriority)
        .put("modes", modes)
        .put("elcr", elcr)
        .put("int_output", intOutput)
        .body();
  }
}
