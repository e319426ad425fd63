package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.io.IOException;

/** The body of one record of either stream while it is read: never past its announced length. */
final class XenRecordBody {
  /** As libxc's own limit for a record. */
  static final int MAX_BYTES = 128 << 20;

  private final XenStreamInput in;
  private final String what;
  private final long type;
  private final int length;
  private int left;

  /** Reads the record's header. */
  XenRecordBody(XenStreamInput in, String what) throws IOException {
    this.in = in;
    this.type = in.u32(what + "'s header");
    this.what = "%s of type %xh".formatted(what, type);
    long announced = in.u32(what + "'s header");
    if (announced > MAX_BYTES) {
      throw in.refused(
          "%s has %d octets, at most %d are read".formatted(this.what, announced, MAX_BYTES));
    }
    this.length = (int) announced;
    this.left = length;
  }

  long type() {
    return type;
  }

  int length() {
    return length;
  }

  int left() {
    return left;
  }

  long u32() throws IOException {
    take(4);
    return in.u32(what);
  }

  long u64() throws IOException {
    take(8);
    return in.u64(what);
  }

  byte[] octets(int count) throws IOException {
    take(count);
    return in.octets(count, what);
  }

  /** All that is left. */
  Bytes rest() throws IOException {
    return Bytes.of(octets(left));
  }

  private void take(int count) {
    if (count > left) {
      throw in.refused(what + " is shorter than its contents: " + length + " octets");
    }
    left -= count;
  }

  /** Reads the padding; the body must have been read whole. */
  void end() throws IOException {
    if (left > 0) {
      throw in.refused("%s has %d octets too many".formatted(what, left));
    }
    int padding = -length & 7;
    for (byte octet : in.octets(padding, what + "'s padding")) {
      if (octet != 0) {
        throw in.refused(what + " is padded with other than zeros");
      }
    }
  }

  XenFormatException refused(String reason) {
    return in.refused(what + " " + reason);
  }
}
