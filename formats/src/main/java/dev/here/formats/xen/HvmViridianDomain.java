package dev.here.formats.xen;

/**
 * Hyper-V interfaces of the guest.
 *
 * @param instance 0
 * @param hypercallGpa hypercall page MSR
 * @param guestOsId guest OS identity MSR; 0 when the guest does not use the interfaces
 * @param timeRefCount reference counter, 100 ns
 * @param referenceTsc reference TSC page MSR
 */
public record HvmViridianDomain(
    int instance, long hypercallGpa, long guestOsId, long timeRefCount, long referenceTsc)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of(
          "hvm_viridian_domain_context",
          "hypercall_gpa:8 guest_os_id:8 time_ref_count:8 reference_tsc:8");

  static HvmViridianDomain decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmViridianDomain(
        instance,
        fields.number("hypercall_gpa"),
        fields.number("guest_os_id"),
        fields.number("time_ref_count"),
        fields.number("reference_tsc"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.VIRIDIAN_DOMAIN;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT)
        .put("hypercall_gpa", hypercallGpa)
        .put("guest_os_id", guestOsId)
        .put("time_ref_count", timeRefCount)
        .put("reference_tsc", referenceTsc)
        .body();
  }
}
