package dev.here.formats.xen;

import java.io.ByteArrayOutputStream;

/** Collects the octets of one item, little-endian unless said otherwise. */
final class XenStreamOutput {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  XenStreamOutput u16(int value) {
    out.write(value);
    out.write(value >> 8);
    return this;
  }

  XenStreamOutput u32(long value) {
    return u16((int) value).u16((int) (value >> 16));
  }

  XenStreamOutput u64(long value) {
    return u32(value).u32(value >> 32);
  }

  /** 32 bits, most significant octet first. */
  XenStreamOutput big32(long value) {
    return u32(Integer.reverseBytes((int) value));
  }

  XenStreamOutput octets(byte[] octets) {
    out.writeBytes(octets);
    return this;
  }

  byte[] toArray() {
    return out.toByteArray();
  }
}
