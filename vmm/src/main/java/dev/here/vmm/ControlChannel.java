package dev.here.vmm;

import dev.here.ffi.FileDescriptor;
import dev.here.ffi.UnixSocket;
import dev.here.formats.control.ControlCodec;
import dev.here.formats.control.ControlMessage;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Optional;

/** One controller's connection, message by message. Used by one thread. */
final class ControlChannel implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 16;

  private final UnixSocket socket;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment chunk = arena.allocate(CHUNK_BYTES, 8);

  ControlChannel(UnixSocket socket) {
    this.socket = socket;
  }

  /**
   * Waits for the next message.
   *
   * @return empty when the peer has ended the connection between two messages
   * @throws dev.here.formats.control.ControlException what came is not a message
   */
  Optional<ControlMessage> receive() {
    byte[] head = read(ControlCodec.HEADER_BYTES);
    if (head.length < ControlCodec.HEADER_BYTES) {
      return Optional.empty();
    }
    ControlCodec.Header header = ControlCodec.header(ByteBuffer.wrap(head));
    byte[] payload = read(header.payloadBytes());
    if (payload.length < header.payloadBytes()) {
      return Optional.empty();
    }
    return Optional.of(ControlCodec.decode(header, payload));
  }

  /** Grows with what has arrived; shorter than asked for at the end of the stream. */
  private byte[] read(int sizeBytes) {
    ByteArrayOutputStream octets = new ByteArrayOutputStream(Math.min(sizeBytes, CHUNK_BYTES));
    while (octets.size() < sizeBytes) {
      long room = Math.min(CHUNK_BYTES, sizeBytes - octets.size());
      long received = socket.receive(chunk.asSlice(0, room));
      if (received == 0) {
        break;
      }
      octets.writeBytes(chunk.asSlice(0, received).toArray(ValueLayout.JAVA_BYTE));
    }
    return octets.toByteArray();
  }

  /** Sends a message, the descriptors with its first octet. */
  void send(ControlMessage message, FileDescriptor... descriptors) {
    byte[] octets = ControlCodec.encode(message);
    try (Arena scratch = Arena.ofConfined()) {
      socket.send(scratch.allocateFrom(ValueLayout.JAVA_BYTE, octets), descriptors);
    }
  }

  /** Wakes a thread in {@link #receive}. */
  void shutdown() {
    socket.shutdown();
  }

  @Override
  public void close() {
    socket.close();
    arena.close();
  }
}
