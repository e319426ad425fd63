package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.util.List;

/**
 * Hyper-V interfaces of a vCPU.
 *
 * @param instance vCPU number
 * @param vpAssistMsr VP assist page
 * @param apicAssistPending an EOI is assisted
 * @param pad kept
 * @param simpMsr message page
 * @param sintMsr interrupt sources
 * @param stimerConfigMsr timers
 * @param stimerCountMsr their counts
 */
public record HvmViridianVcpu(
    int instance,
    long vpAssistMsr,
    int apicAssistPending,
    Bytes pad,
    long simpMsr,
    List<Long> sintMsr,
    List<Long> stimerConfigMsr,
    List<Long> stimerCountMsr)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of(
          "hvm_viridian_vcpu_context",
          """
          vp_assist_msr:8 apic_assist_pending:1 _pad:1*7 simp_msr:8 sint_msr:8*16
          stimer_config_msr:8*4 stimer_count_msr:8*4
          """);

  public HvmViridianVcpu {
    HvmContext.octets("hvm_viridian_vcpu_context._pad", pad, 7);
    sintMsr = HvmContext.elements("hvm_viridian_vcpu_context.sint_msr", sintMsr, 16);
    stimerConfigMsr =
        HvmContext.elements("hvm_viridian_vcpu_context.stimer_config_msr", stimerConfigMsr, 4);
    stimerCountMsr =
        HvmContext.elements("hvm_viridian_vcpu_context.stimer_count_msr", stimerCountMsr, 4);
  }

  static HvmViridianVcpu decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmViridianVcpu(
        instance,
        fields.number("vp_assist_msr"),
        fields.small("apic_assist_pending"),
        fields.octets("_pad"),
        fields.number("simp_msr"),
        fields.numbers("sint_msr"),
        fields.numbers("stimer_config_msr"),
        fields.numbers("stimer_count_msr"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.VIRIDIAN_VCPU;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT)
        .put("vp_assist_msr", vpAssistMsr)
        .put("apic_assist_pending", apicAssistPending)
        .put("_pad", pad)
        .put("simp_msr", simpMsr)
        .put("sint_msr", sintMsr)
        .put("stimer_config_msr", stimerConfigMsr)
        .put("stimer_count_msr", stimerCountMsr)
        .body();
  }
}
