package dev.here.formats.xen;

import dev.here.machine.Bytes;

/**
 * The register page of a local APIC.
 *
 * @param instance vCPU number
 * @param data its first 1024 octets; the current count (390h) is not kept up to date
 */
public record HvmLapicRegisters(int instance, Bytes data) implements HvmRecord {
  static final HvmLayout LAYOUT = HvmLayout.of("hvm_hw_lapic_regs", "data:1*1024");

  public HvmLapicRegisters {
    HvmContext.octets("hvm_hw_lapic_regs.data", data, 1024);
  }

  static HvmLapicRegisters decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmLapicRegisters(instance, fields.octets("data"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.LAPIC_REGS;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT).put("data", data).body();
  }
}
