package dev.here.formats.xen;

/**
 * IA32_TSC_ADJUST of a vCPU.
 *
 * @param instance vCPU number
 * @param tscAdjust IA32_TSC_ADJUST
 */
public record HvmTscAdjust(int instance, long tscAdjust) implements HvmRecord {
  static final HvmLayout LAYOUT = HvmLayout.of("hvm_tsc_adjust", "tsc_adjust:8");

  static HvmTscAdjust decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmTscAdjust(instance, fields.number("tsc_adjust"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.TSC_ADJUST;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT).put("tsc_adjust", tscAdjust).body();
  }
}
