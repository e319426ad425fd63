package dev.here.formats.xen;

/**
 * The first record: who wrote the context.
 *
 * @param instance 0
 * @param magic 54381286h
 * @param version 1
 * @param changeset source revision of that Xen, -1 when unknown
 * @param cpuid EAX of CPUID 1 on the host
 * @param tscKhz rate of the guest's time-stamp counter
 */
public record HvmHeader(
    int instance, long magic, long version, long changeset, long cpuid, long tscKhz)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of("hvm_save_header", "magic:4 version:4 changeset:8 cpuid:4 gtsc_khz:4");

  static HvmHeader decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmHeader(
        instance,
        fields.number("magic"),
        fields.number("version"),
        fields.number("changeset"),
        fields.number("cpuid"),
        fields.number("gtsc_khz"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.HEADER;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT)
        .put("magic", magic)
        .put("version", version)
        .put("changeset", changeset)
        .put("cpuid", cpuid)
        .put("gtsc_khz", tscKhz)
        .body();
  }
}
