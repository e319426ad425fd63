package dev.here.formats.wire;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.util.zip.CRC32C;

/**
 * Reads frames from one connection. Its buffer grows with what has arrived, never with what a
 * header announces, and stays below the longest frame. One thread.
 */
public final class FrameReader {
  private static final int FIRST_BUFFER_BYTES = 16 << 10;

  private final ReadableByteChannel channel;
  private final int version;
  private final CRC32C crc = new CRC32C();
  private ByteBuffer buffer = newBuffer(FIRST_BUFFER_BYTES);
  private MemorySegment segment = MemorySegment.ofBuffer(buffer);
  private int payloadBytes;
  private int frameBytes;
  private long receivedBytes;

  /**
   * Reads from a proven connection.
   *
   * @param version of the protocol, as {@link Handshake} found it
   */
  public FrameReader(ReadableByteChannel channel, int version) {
    this.channel = channel;
    this.version = version;
    buffer.limit(0);
  }

  /**
   * Waits for the next frame and returns its type; its payload is valid until the next call.
   *
   * @throws EOFException when the peer closed between two frames
   * @throws WireException when the frame is not valid; the connection is of no use any more
   * @throws IOException when the connection broke
   */
  public FrameType next() throws IOException {
    dropCurrentFrame();
    if (!fill(WireProtocol.HEADER_BYTES)) {
      throw new EOFException("the peer closed the connection");
    }
    int start = buffer.position();
    FrameType type = FrameType.of(buffer.get(start) & 0xff);
    if (buffer.get(start + 1) != 0 || buffer.getShort(start + 2) != 0) {
      throw new WireException("reserved octets of a %s frame are not zero".formatted(type));
    }
    int length = buffer.getInt(start + 4);
    if (length < 0 || length > type.maxPayloadBytes()) {
      throw new WireException(
          "a %s frame announces %d octets, at most %d are allowed"
              .formatted(type, Integer.toUnsignedLong(length), type.maxPayloadBytes()));
    }
    int total = WireProtocol.HEADER_BYTES + length + WireProtocol.TRAILER_BYTES;
    if (!fill(total)) {
      throw new WireException(
          "the connection ended inside a %s frame of %d octets".formatted(type, length));
    }
    payloadBytes = length;
    frameBytes = total;
    checkCrc(type);
    return type;
  }

  /** The payload of the current frame. */
  public ByteBuffer payload() {
    return buffer
        .slice(buffer.position() + WireProtocol.HEADER_BYTES, payloadBytes)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The memory that holds the current frame's payload, {@link #payloadOffset} octets from it. */
  public MemorySegment segment() {
    return segment;
  }

  /** Where in {@link #segment} the current frame's payload begins. */
  public long payloadOffset() {
    return buffer.position() + WireProtocol.HEADER_BYTES;
  }

  /** Length of the current frame's payload. */
  public int payloadBytes() {
    return payloadBytes;
  }

  /** The current frame decoded; not for PAGES. */
  public Message message(FrameType type) {
    return MessageCodec.decode(type, payload(), version);
  }

  /** The next frame decoded; not for PAGES. */
  public Message nextMessage() throws IOException {
    FrameType type = next();
    return message(type);
  }

  /** Octets read from the connection so far. */
  public long receivedBytes() {
    return receivedBytes;
  }

  private void dropCurrentFrame() {
    buffer.position(buffer.position() + frameBytes);
    frameBytes = 0;
    payloadBytes = 0;
  }

  private void checkCrc(FrameType type) {
    int start = buffer.position();
    int end = start + frameBytes - WireProtocol.TRAILER_BYTES;
    int limit = buffer.limit();
    crc.reset();
    buffer.limit(end);
    crc.update(buffer);
    buffer.limit(limit).position(start);
    if ((int) crc.getValue() != buffer.getInt(end)) {
      throw new WireException("checksum of a %s frame does not match".formatted(type));
    }
  }

  /** Makes {@code wanted} octets available from the position; false when the peer closed first. */
  private boolean fill(int wanted) throws IOException {
    while (buffer.remaining() < wanted) {
      makeRoom(wanted);
      int position = buffer.position();
      int limit = buffer.limit();
      buffer.limit(buffer.capacity()).position(limit);
      int read = channel.read(buffer);
      buffer.limit(Math.max(limit, buffer.position())).position(position);
      if (read < 0) {
        if (buffer.hasRemaining() && wanted == WireProtocol.HEADER_BYTES) {
          throw new WireException("the connection ended inside a frame's header");
        }
        return false;
      }
      receivedBytes += read;
    }
    return true;
  }

  private void makeRoom(int wanted) {
    if (buffer.position() > 0 && buffer.position() + wanted > buffer.capacity()) {
      buffer.compact().flip();
    }
    if (buffer.limit() == buffer.capacity()) {
      if (buffer.position() > 0) {
        buffer.compact().flip();
      } else {
        ByteBuffer larger = newBuffer(buffer.capacity() * 2);
        larger.put(buffer).flip();
        buffer = larger;
        segment = MemorySegment.ofBuffer(larger.duplicate().clear());
      }
    }
  }

  private static ByteBuffer newBuffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
