package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Further model-specific registers of a vCPU; only those that are not zero are there.
 *
 * @param instance vCPU number
 * @param pad four octets that Xen does not set; kept
 * @param msrs at least one
 */
public record HvmMsrs(int instance, long pad, List<Entry> msrs) implements HvmRecord {
  static final HvmLayout LAYOUT = HvmLayout.of("hvm_msr", "count:4 pad:4");
  static final HvmLayout ENTRY = HvmLayout.of("hvm_one_msr", "index:4 _rsvd:4 val:8");

  /** Xen 4.17 sends nine at most. */
  static final int MAX_MSRS = 64;

  public HvmMsrs {
    if (msrs.isEmpty() || msrs.size() > MAX_MSRS) {
      throw new XenFormatException(
          -1, "a record has %d MSRs, must have 1 to %d".formatted(msrs.size(), MAX_MSRS));
    }
    msrs = List.copyOf(msrs);
  }

  /**
   * One register.
   *
   * @param index as in ECX of RDMSR
   * @param reserved Xen refuses other than 0
   * @param value 64 bits
   */
  public record Entry(int index, long reserved, long value) {}

  static HvmMsrs decode(int instance, byte[] body) {
    HvmFields fields = HvmFields.of(LAYOUT, body);
    long count = fields.number("count");
    if (body.length != LAYOUT.sizeBytes() + count * ENTRY.sizeBytes()) {
      throw new XenFormatException(
          -1, "a record of %d MSRs has %d octets".formatted(count, body.length));
    }
    var msrs = new ArrayList<Entry>();
    byte[] entries = Arrays.copyOfRange(body, LAYOUT.sizeBytes(), body.length);
    for (byte[] entry : HvmFields.split(Bytes.of(entries), ENTRY.sizeBytes())) {
      HvmFields msr = HvmFields.of(ENTRY, entry);
      msrs.add(new Entry((int) msr.number("index"), msr.number("_rsvd"), msr.number("val")));
    }
    return new HvmMsrs(instance, fields.number("pad"), msrs);
  }

  @Override
  public HvmRecordType type() {
    return HvmRecordType.CPU_MSR;
  }

  @Override
  public byte[] body() {
    var parts = new ArrayList<byte[]>();
    parts.add(HvmFields.empty(LAYOUT).put("count", msrs.size()).put("pad", pad).body());
    for (Entry msr : msrs) {
      parts.add(
          HvmFields.empty(ENTRY)
              .put("index", msr.index())
              .put("_rsvd", msr.reserved())
              .put("val", msr.value())
              .body());
    }
    return HvmFields.joined(parts).toArray();
  }
}
