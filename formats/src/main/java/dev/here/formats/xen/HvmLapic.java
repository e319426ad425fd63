package dev.here.formats.xen;

/**
 * What a local APIC has beside its registers.
 *
 * @param instance vCPU number
 * @param apicBaseMsr IA32_APIC_BASE
 * @param disabled bit 0 by that MSR, bit 1 by the spurious-interrupt register
 * @param timerDivisor the timer counts the bus clock, 100 MHz, divided by this
 * @param tdtMsr IA32_TSC_DEADLINE, 0 when it does not run
 */
public record HvmLapic(
    int instance, long apicBaseMsr, long disabled, long timerDivisor, long tdtMsr)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of("hvm_hw_lapic", "apic_base_msr:8 disabled:4 timer_divisor:4 tdt_msr:8");

  static HvmLapic decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmLapic(
        instance,
        fields.number("apic_base_msr"),
        fields.number("disabled"),
        fields.number("timer_divisor"),
        fields.number("tdt_msr"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.LAPIC;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT)
        .put("apic_base_msr", apicBaseMsr)
        .put("disabled", disabled)
        .put("timer_divisor", timerDivisor)
        .put("tdt_msr", tdtMsr)
        .body();
  }
}
