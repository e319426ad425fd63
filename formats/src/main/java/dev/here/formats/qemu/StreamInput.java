package dev.here.formats.qemu;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;

/**
 * Exact big-endian reads over a blocking channel, with a buffer of fixed size: what is asked for is
 * read from the channel, never more than the buffer holds, and nothing is reserved for sizes that
 * were only announced.
 */
final class StreamInput {
  private static final int BUFFER_BYTES = 1 << 20;

  private static final ValueLayout.OfShort BE16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfInt BE32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfLong BE64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private final ReadableByteChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
  private final MemorySegment segment = MemorySegment.ofBuffer(buffer);
  private int start;
  private int end;
  private long consumed;

  StreamInput(ReadableByteChannel channel) {
    this.channel = channel;
  }

  /** Bytes handed out so far. */
  long position() {
    return consumed;
  }

  int u8() throws IOException {
    require(1);
    return segment.get(ValueLayout.JAVA_BYTE, take(1)) & 0xff;
  }

  int u16() throws IOException {
    require(2);
    return segment.get(BE16, take(2)) & 0xffff;
  }

  int i32() throws IOException {
    require(4);
    return segment.get(BE32, take(4));
  }

  long i64() throws IOException {
    require(8);
    return segment.get(BE64, take(8));
  }

  /** Looks at the next byte without taking it; -1 at the end of the stream. */
  int peekOrEnd() throws IOException {
    if (start == end && !fillSome()) {
      return -1;
    }
    return segment.get(ValueLayout.JAVA_BYTE, start) & 0xff;
  }

  /** Text with a u8 length before it, as QEMU writes identifiers. */
  String counted8() throws IOException {
    int length = u8();
    byte[] bytes = new byte[length];
    bytes(bytes, 0, length);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  void bytes(byte[] into, int offset, int length) throws IOException {
    int done = 0;
    while (done < length) {
      if (start == end && !fillSome()) {
        throw ended(length - done);
      }
      int part = Math.min(length - done, end - start);
      MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, start, into, offset + done, part);
      take(part);
      done += part;
    }
  }

  /** Makes {@code length} contiguous bytes available; they start at {@link #pageOffset}. */
  void require(int length) throws IOException {
    while (end - start < length) {
      if (!fillSome()) {
        throw ended(length - (end - start));
      }
    }
  }

  /** The buffer, to be read at an offset that {@link #take} returned, before the next read. */
  MemorySegment segment() {
    return segment;
  }

  /**
   * Takes {@code length} bytes that {@link #require} made available; their offset in the buffer.
   */
  int take(int length) {
    int at = start;
    start += length;
    consumed += length;
    return at;
  }

  /** True if the bytes that follow are {@code expected}; takes them only then. */
  boolean takeIfEqual(byte[] expected) throws IOException {
    require(expected.length);
    for (int i = 0; i < expected.length; i++) {
      if (segment.get(ValueLayout.JAVA_BYTE, start + i) != expected[i]) {
        return false;
      }
    }
    take(expected.length);
    return true;
  }

  /**
   * Takes what has arrived already, at least one byte.
   *
   * @return count of bytes put into {@code into}, or -1 at the end of the stream
   */
  int some(byte[] into, int offset, int length) throws IOException {
    if (start == end && !fillSome()) {
      return -1;
    }
    int part = Math.min(length, end - start);
    MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, start, into, offset, part);
    take(part);
    return part;
  }

  /** Gives back the last {@code length} bytes that {@link #some} took from the present buffer. */
  void giveBack(byte[] bytes, int offset, int length) {
    if (length > start) {
      throw new IllegalStateException("give back " + length + " bytes, only " + start + " held");
    }
    start -= length;
    consumed -= length;
    MemorySegment.copy(bytes, offset, segment, ValueLayout.JAVA_BYTE, start, length);
  }

  private boolean fillSome() throws IOException {
    if (start == end) {
      start = 0;
      end = 0;
    } else if (end == BUFFER_BYTES) {
      MemorySegment.copy(segment, start, segment, 0, end - start);
      end -= start;
      start = 0;
    }
    buffer.limit(BUFFER_BYTES).position(end);
    int count = channel.read(buffer);
    if (count == 0) {
      throw new IllegalStateException("the stream's channel must be in blocking mode");
    }
    if (count < 0) {
      return false;
    }
    end += count;
    return true;
  }

  private EOFException ended(int missing) {
    return new EOFException(
        "the stream ended after byte "
            + (consumed + end - start)
            + ", "
            + missing
            + " more bytes were due: the sender has gone or the file is cut short");
  }
}
