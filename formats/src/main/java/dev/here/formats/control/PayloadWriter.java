package dev.here.formats.control;

import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import java.io.ByteArrayOutputStream;

/** Builds a payload, big-endian. */
final class PayloadWriter {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream(64);

  PayloadWriter u8(int value) {
    out.write(value);
    return this;
  }

  PayloadWriter flag(boolean value) {
    return u8(value ? 1 : 0);
  }

  PayloadWriter u16(int value) {
    return u8(value >>> 8).u8(value);
  }

  PayloadWriter u32(int value) {
    return u16(value >>> 16).u16(value);
  }

  PayloadWriter u64(long value) {
    return u32((int) (value >>> 32)).u32((int) value);
  }

  /** Length in 16 bits, then UTF-8. */
  PayloadWriter text(String value) {
    byte[] octets = ControlCodec.bounded(value);
    return u16(octets.length).octets(octets);
  }

  PayloadWriter octets(byte[] value) {
    out.writeBytes(value);
    return this;
  }

  PayloadWriter memoryMap(MemoryMap map) {
    u64(map.backingSizeBytes()).u16(map.regions().size());
    for (MemoryRegion region : map.regions()) {
      u8(region.kind().ordinal())
          .u64(region.gpa())
          .u64(region.sizeBytes())
          .u64(region.backingOffset())
          .text(region.name());
    }
    return this;
  }

  byte[] toArray() {
    return out.toByteArray();
  }
}
