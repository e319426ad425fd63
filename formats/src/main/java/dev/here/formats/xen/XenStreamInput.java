package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.util.Arrays;

/**
 * Exact reads over a blocking channel, by way of a buffer of fixed size. Runs of octets grow as
 * they arrive: nothing is reserved for a length that was only announced.
 */
final class XenStreamInput {
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int FIRST_BYTES = 1 << 13;

  private final ReadableByteChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN).limit(0);
  private long filled;

  XenStreamInput(ReadableByteChannel channel) {
    this.channel = channel;
  }

  /** Octets consumed so far. */
  long position() {
    return filled - buffer.remaining();
  }

  /** Whether the channel has ended and all was consumed. */
  boolean atEnd() throws IOException {
    return !fill(1);
  }

  /** The next 8 octets, most significant first, not consumed. */
  long peek(String what) throws IOException {
    need(8, what);
    return Long.reverseBytes(buffer.getLong(buffer.position()));
  }

  int u16(String what) throws IOException {
    need(2, what);
    return Short.toUnsignedInt(buffer.getShort());
  }

  long u32(String what) throws IOException {
    need(4, what);
    return Integer.toUnsignedLong(buffer.getInt());
  }

  long u64(String what) throws IOException {
    need(8, what);
    return buffer.getLong();
  }

  Bytes bytes(int length, String what) throws IOException {
    return Bytes.of(octets(length, what));
  }

  byte[] octets(int length, String what) throws IOException {
    byte[] octets = new byte[Math.min(length, FIRST_BYTES)];
    int have = 0;
    while (have < length) {
      if (have == octets.length) {
        octets = Arrays.copyOf(octets, (int) Math.min(length, 2L * octets.length));
      }
      need(1, what);
      int count = Math.min(buffer.remaining(), octets.length - have);
      buffer.get(octets, have, count);
      have += count;
    }
    return octets;
  }

  private void need(int count, String what) throws IOException {
    if (!fill(count)) {
      throw new EOFException(
          "the stream ends at byte "
              + filled
              + " within "
              + what
              + ": the sender has gone or the file is cut short");
    }
  }

  private boolean fill(int count) throws IOException {
    while (buffer.remaining() < count) {
      buffer.compact();
      int read = channel.read(buffer);
      buffer.flip();
      if (read < 0) {
        return false;
      }
      filled += read;
    }
    return true;
  }

  XenFormatException refused(String reason) {
    return new XenFormatException(position(), reason);
  }
}
