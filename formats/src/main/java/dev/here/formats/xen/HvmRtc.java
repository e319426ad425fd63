package dev.here.formats.xen;

import dev.here.machine.Bytes;

/**
 * The real-time clock. The device model has the rest of the CMOS memory.
 *
 * @param instance 0
 * @param cmosData registers 0 to 13; the time among them is as last read or written
 * @param cmosIndex selected register
 * @param pad0 kept
 * @param rtcOffset the guest's time less the host's, seconds
 */
public record HvmRtc(int instance, Bytes cmosData, int cmosIndex, int pad0, long rtcOffset)
    implements HvmRecord {
  static final HvmLayout LAYOUT =
      HvmLayout.of("hvm_hw_rtc", "cmos_data:1*14 cmos_index:1 pad0:1 rtc_offset:8");

  public HvmRtc {
    HvmContext.octets("hvm_hw_rtc.cmos_data", cmosData, 14);
  }

  static HvmRtc decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    return new HvmRtc(
        instance,
        fields.octets("cmos_data"),
        fields.small("cmos_index"),
        fields.small("pad0"),
        fields.number("rtc_offset"));
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.RTC;
  }

  @Override
  public byte[] body() {
    return HvmFields.empty(LAYOUT)
        .put("cmos_data", cmosData)
        .put("cmos_index", cmosIndex)
        .put("pad0", pad0)
        .put("rtc_offset", rtcOffset)
        .body();
  }
}
