package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.util.Arrays;
import java.util.List;

/**
 * The XSAVE area of a vCPU, for a guest that has XSAVE.
 *
 * @param instance vCPU number
 * @param featureMask what the host's Xen uses; ignored on restore
 * @param xcr0 extended control register 0
 * @param xcr0Accumulated every component that the guest has ever enabled; gives the area's size
 * @param area the area in the standard format, 576 octets at least
 */
public record HvmXsave(int instance, long featureMask, long xcr0, long xcr0Accumulated, Bytes area)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of("hvm_hw_cpu_xsave", "xfeature_mask:8 xcr0:8 xcr0_accum:8 save_area:8*72");
  private static final int HEAD_BYTES = 24;

  /** The legacy region and the header. */
  static final int MIN_AREA_BYTES = 576;

  /** As large as a machine state holds. */
  static final int MAX_AREA_BYTES = 16384;

  public HvmXsave {
    if (area.length() < MIN_AREA_BYTES || area.length() > MAX_AREA_BYTES) {
      throw new XenFormatException(
          -1,
          "an XSAVE area has %d octets, must have %d to %d"
              .formatted(area.length(), MIN_AREA_BYTES, MAX_AREA_BYTES));
    }
  }

  static HvmXsave decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    byte[] area = Arrays.copyOfRange(body, HEAD_BYTES, body.length);
    return new HvmXsave(
        instance,
        fields.number("xfeature_mask"),
        fields.number("xcr0"),
        fields.number("xcr0_accum"),
        Bytes.of(area));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.CPU_XSAVE;
  }

  @Override
  public byte[] body() {
    HvmLayout head = HvmLayout.of(LAYOUT.structure(), "xfeature_mask:8 xcr0:8 xcr0_accum:8");
    byte[] start =
        HvmFields.empty(head)
            .put("xfeature_mask", featureMask)
            .put("xcr0", xcr0)
            .put("xcr0_accum", xcr0Accumulated)
            .body();
    return HvmFields.joined(List.of(start, area.toArray())).toArray();
  }
}
