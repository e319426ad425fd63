package dev.here.formats.xen;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A device model's answer to a plain IN or OUT that its vCPU has not taken yet: Xen has stepped
 * over the instruction already and will only put what was read into the accumulator
 * (xen/arch/x86/hvm/io.c, handle_pio).
 *
 * @param vcpu whose
 * @param read whether it is an IN
 * @param bytes that were accessed: 1, 2 or 4
 * @param data what an IN has read
 */
public record HvmPortAnswer(int vcpu, boolean read, int bytes, long data) {
  /**
   * Completes the instruction in an encoded HVM context, as Xen will in the domain.
   *
   * @throws XenFormatException when the context has no such vCPU
   */
  public void completeIn(byte[] context) {
    if (!read) {
      return;
    }
    ByteBuffer octets = ByteBuffer.wrap(context).order(ByteOrder.LITTLE_ENDIAN);
    int at = registersOf(octets) + HvmCpu.LAYOUT.member("rax").offset();
    switch (bytes) {
      case 1 -> octets.put(at, (byte) data);
      case 2 -> octets.putShort(at, (short) data);
      case 4 -> octets.putLong(at, data & 0xffff_ffffL);
      default -> throw new XenFormatException(at, "a port access of %d octets".formatted(bytes));
    }
  }

  private int registersOf(ByteBuffer octets) {
    int at = 0;
    while (at + HvmContext.DESCRIPTOR_BYTES <= octets.capacity()) {
      int type = Short.toUnsignedInt(octets.getShort(at));
      int instance = Short.toUnsignedInt(octets.getShort(at + 2));
      int length = octets.getInt(at + 4);
      at += HvmContext.DESCRIPTOR_BYTES;
      if (length < 0 || length > octets.capacity() - at) {
        break;
      }
      if (type == HvmRecordType.CPU.code()
          && instance == vcpu
          && length == HvmCpu.LAYOUT.sizeBytes()) {
        return at;
      }
      at += length;
    }
    throw new XenFormatException(at, "the HVM context has no registers of vCPU " + vcpu);
  }
}
