package dev.here.formats.xen;

/**
 * Machine-check registers of a vCPU.
 *
 * @param instance vCPU number
 * @param caps IA32_MCG_CAP
 * @param mciCtl2Bank0 IA32_MC0_CTL2
 * @param mciCtl2Bank1 IA32_MC1_CTL2
 * @param mcgExtCtl IA32_MCG_EXT_CTL
 */
public record HvmVmce(int instance, long caps, long mciCtl2Bank0, long mciCtl2Bank1, long mcgExtCtl)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of("hvm_vmce_vcpu", "caps:8 mci_ctl2_bank0:8 mci_ctl2_bank1:8 mcg_ext_ctl:8");

  static HvmVmce decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmVmce(
        instance,
        fields.number("caps"),
        fields.number("mci_ctl2_bank0"),
        fields.number("mci_ctl2_bank1"),
        fields.number("mcg_ext_ctl"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.VMCE_VCPU;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT)
        .put("caps", caps)
        .put("mci_ctl2_bank0", mciCtl2Bank0)
        .put("mci_ctl2_bank1", mciCtl2Bank1)
        .put("mcg_ext_ctl", mcgExtCtl)
        .body();
  }
}
