package dev.here.formats.xen;

/**
 * The ACPI timer and event registers. The device model has PM1 control and the GPE block.
 *
 * @param instance 0
 * @param tmrVal 32-bit counter, 3.579545 MHz
 * @param pm1aSts PM1 status
 * @param pm1aEn PM1 enable
 */
public record HvmPmTimer(int instance, long tmrVal, int pm1aSts, int pm1aEn) implements HvmRecord {
  static final HvmLayout LAYOUT = HvmLayout.of("hvm_hw_pmtimer", "tmr_val:4 pm1a_sts:2 pm1a_en:2");

  static HvmPmTimer decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmPmTimer(
        instance, fields.number("tmr_val"), fields.small("pm1a_sts"), fields.small("pm1a_en"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.PMTIMER;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT)
        .put("tmr_val", tmrVal)
        .put("pm1a_sts", pm1aSts)
        .put("pm1a_en", pm1aEn)
        .body();
  }
}
