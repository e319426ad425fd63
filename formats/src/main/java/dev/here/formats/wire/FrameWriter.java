package dev.here.formats.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.zip.CRC32C;

/** Writes frames to one connection. One thread at a time. */
public final class FrameWriter {
  private static final int FIRST_BUFFER_BYTES = 4 << 10;

  private final WritableByteChannel channel;
  private final int version;
  private final CRC32C crc = new CRC32C();
  private ByteBuffer buffer = newBuffer(FIRST_BUFFER_BYTES);
  private long sentBytes;

  /**
   * Writes to a proven connection.
   *
   * @param version of the protocol, as {@link Handshake} found it
   */
  public FrameWriter(WritableByteChannel channel, int version) {
    this.channel = channel;
    this.version = version;
  }

  /** Writes one message; blocks until the connection has taken it. */
  public void write(Message message) throws IOException {
    int most =
        WireProtocol.HEADER_BYTES
            + MessageCodec.maxEncodedBytes(message)
            + WireProtocol.TRAILER_BYTES;
    if (buffer.capacity() < most) {
      buffer = newBuffer(most);
    }
    buffer.clear().position(WireProtocol.HEADER_BYTES);
    MessageCodec.encode(message, buffer, version);
    write(message.type(), buffer);
  }

  /** Writes the pages that {@code pages} has collected and empties it. */
  public void write(PageFrame pages) throws IOException {
    write(FrameType.PAGES, pages.complete());
    pages.clear();
  }

  /** Octets written to the connection so far. */
  public long sentBytes() {
    return sentBytes;
  }

  /** {@code frame}: room for the header, then the payload up to the position. */
  private void write(FrameType type, ByteBuffer frame) throws IOException {
    int length = frame.position() - WireProtocol.HEADER_BYTES;
    if (length > type.maxPayloadBytes()) {
      throw new WireException(
          "a %s frame would have %d octets, at most %d are allowed"
              .formatted(type, length, type.maxPayloadBytes()));
    }
    frame.putInt(0, type.code()).putInt(4, length);
    frame.flip();
    crc.reset();
    crc.update(frame);
    int end = frame.limit();
    frame.limit(end + WireProtocol.TRAILER_BYTES).putInt(end, (int) crc.getValue());
    frame.position(0);
    while (frame.hasRemaining()) {
      sentBytes += channel.write(frame);
    }
  }

  private static ByteBuffer newBuffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
