package dev.here.lab;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Unpacks LZ4's legacy frame, in which some kernels are packed: the magic, then blocks of a 32-bit
 * length and so many packed bytes, each of at most 8 MiB unpacked (lz4, doc/lz4_Frame_format.md and
 * doc/lz4_Block_format.md).
 */
final class LegacyLz4 {
  static final int MAGIC = 0x184c2102;
  private static final int BLOCK_MAX = 8 << 20;
  private static final int MINIMUM_MATCH = 4;

  private LegacyLz4() {}

  /** The unpacked content; a malformed frame is an error. */
  static byte[] unpack(byte[] frame) {
    ByteBuffer in = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
    if (frame.length < 4 || in.getInt() != MAGIC) {
      throw new LabException("no LZ4 legacy frame: wrong magic");
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(frame.length * 4);
    byte[] block = new byte[BLOCK_MAX];
    while (in.remaining() >= 4) {
      int size = in.getInt();
      if (size < 0 || size > in.remaining()) {
        throw new LabException("LZ4 block of %d bytes in %d".formatted(size, in.remaining()));
      }
      out.write(block, 0, unpackBlock(frame, in.position(), in.position() + size, block));
      in.position(in.position() + size);
    }
    return out.toByteArray();
  }

  private static int unpackBlock(byte[] in, int from, int end, byte[] out) {
    int at = from;
    int to = 0;
    try {
      while (at < end) {
        int token = in[at++] & 0xff;
        int literals = token >> 4;
        if (literals == 15) {
          int more;
          do {
            more = in[at++] & 0xff;
            literals += more;
          } while (more == 255);
        }
        System.arraycopy(in, at, out, to, literals);
        at += literals;
        to += literals;
        if (at >= end) {
          break;
        }
        int source = to - (in[at] & 0xff | (in[at + 1] & 0xff) << 8);
        at += 2;
        int match = (token & 15) + MINIMUM_MATCH;
        if ((token & 15) == 15) {
          int more;
          do {
            more = in[at++] & 0xff;
            match += more;
          } while (more == 255);
        }
        // Source and target may overlap: then the bytes just written repeat.
        for (int i = 0; i < match; i++) {
          out[to++] = out[source++];
        }
      }
    } catch (IndexOutOfBoundsException e) {
      throw new LabException("damaged LZ4 block at byte %d".formatted(at), e);
    }
    return to;
  }
}
