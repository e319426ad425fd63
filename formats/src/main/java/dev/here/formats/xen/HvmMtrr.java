package dev.here.formats.xen;

import java.util.List;

/**
 * Memory types of a vCPU.
 *
 * @param instance vCPU number
 * @param pat IA32_PAT
 * @param variable base and mask of each of eight
 * @param fixed 250h, 258h, 259h, 268h to 26Fh
 * @param capabilities IA32_MTRRCAP
 * @param defaultType IA32_MTRR_DEF_TYPE
 */
public record HvmMtrr(
    int instance,
    long pat,
    List<Long> variable,
    List<Long> fixed,
    long capabilities,
    long defaultType)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of(
          "hvm_hw_mtrr",
          """
          msr_pat_cr:8 msr_mtrr_var:8*16 msr_mtrr_fixed:8*11 msr_mtrr_cap:8
          msr_mtrr_def_type:8
          """);

  public HvmMtrr {
    variable = HvmContext.elements("hvm_hw_mtrr.msr_mtrr_var", variable, 16);
    fixed = HvmContext.elements("hvm_hw_mtrr.msr_mtrr_fixed", fixed, 11);
  }

  static HvmMtrr decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmMtrr(
        instance,
        fields.number("msr_pat_cr"),
        fields.numbers("msr_mtrr_var"),
        fields.numbers("msr_mtrr_fixed"),
        fields.number("msr_mtrr_cap"),
        fields.number("msr_mtrr_def_type"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.MTRR;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT)
        .put("msr_pat_cr", pat)
        .put("msr_mtrr_var", variable)
        .put("msr_mtrr_fixed", fixed)
        .put("msr_mtrr_cap", capabilities)
        .put("msr_mtrr_def_type", defaultType)
        .body();
  }
}
