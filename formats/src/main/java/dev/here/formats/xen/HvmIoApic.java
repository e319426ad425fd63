package dev.here.formats.xen;

import java.util.List;

/**
 * The I/O APIC: its 48 inputs are the ISA interrupts and, from 16 on, those of PCI slots.
 *
 * @param instance 0
 * @param baseAddress gpa of its registers
 * @param ioregsel selected register
 * @param id its id
 * @param redirtbl redirection entries
 */
public record HvmIoApic(int instance, long baseAddress, long ioregsel, long id, List<Long> redirtbl)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of("hvm_hw_vioapic", "base_address:8 ioregsel:4 id:4 redirtbl:8*48");

  public HvmIoApic {
    redirtbl = HvmContext.elements("hvm_hw_vioapic.redirtbl", redirtbl, 48);
  }

  static HvmIoApic decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmIoApic(
        instance,
        fields.number("base_address"),
        fields.number("ioregsel"),
        fields.number("id"),
        fields.numbers("redirtbl"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.IOAPIC;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT)
        .put("base_address", baseAddress)
        .put("ioregsel", ioregsel)
        .put("id", id)
        .put("redirtbl", redirtbl)
        .body();
  }
}
