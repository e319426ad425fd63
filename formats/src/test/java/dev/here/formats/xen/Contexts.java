package dev.here.formats.xen;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/** HVM contexts made by hand: every record that there is, with any octets that a body may have. */
final class Contexts {
  private Contexts() {}

  /** A whole context whose bodies are random where Xen demands nothing of them. */
  static byte[] random(SplittableRandom random, int vcpus) {
    var out = new ByteArrayOutputStream();
    for (HvmRecordType type : HvmRecordType.values()) {
      if (type == HvmRecordType.END) {
        continue;
      }
      int instances = type.isOfVcpu() ? vcpus : type == HvmRecordType.PIC ? 2 : 1;
      for (int instance = 0; instance < instances; instance++) {
        out.writeBytes(record(type.code(), instance, body(type, random)));
      }
    }
    out.writeBytes(record(0, 0, new byte[0]));
    return out.toByteArray();
  }

  private static byte[] body(HvmRecordType type, SplittableRandom random) {
    int length =
        switch (type) {
          case CPU_XSAVE -> HvmContext.layout(type).sizeBytes() + random.nextInt(2000);
          case CPU_MSR -> 8 + 16 * 3;
          default -> HvmContext.layout(type).sizeBytes();
        };
    byte[] body = new byte[length];
    random.nextBytes(body);
    ByteBuffer fields = ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN);
    switch (type) {
      case HEADER -> fields.putInt(0, 0x54381286).putInt(4, 1);
      case CPU_MSR -> fields.putInt(0, 3);
      default -> {}
    }
    return body;
  }

  static byte[] record(int code, int instance, byte[] body) {
    return ByteBuffer.allocate(8 + body.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort((short) code)
        .putShort((short) instance)
        .putInt(body.length)
        .put(body)
        .array();
  }
}
