package dev.here.formats.qemu;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Big-endian writes of a device state: the counterpart of {@link StateCursor}. */
final class StateOutput {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 17);

  void u8(long value) {
    bytes.write((int) value);
  }

  void u32(long value) {
    number(value, 4);
  }

  /** The low {@code size} octets of a number. */
  void number(long value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
      bytes.write((int) (value >>> shift));
    }
  }

  void octets(byte[] octets) {
    bytes.writeBytes(octets);
  }

  void counted8(String text) {
    byte[] octets = text.getBytes(StandardCharsets.ISO_8859_1);
    u8(octets.length);
    octets(octets);
  }

  byte[] toArray() {
    return bytes.toByteArray();
  }
}
