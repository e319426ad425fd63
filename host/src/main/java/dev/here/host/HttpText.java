package dev.here.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Where an HTTP/1.1 message ends (RFC 9112): headers, then as many octets as Content-Length says.
 */
final class HttpText {
  /** Longest message that is read, octets. */
  static final int MAX_MESSAGE_BYTES = 4 << 20;

  private HttpText() {}

  /**
   * Reads one message, ready to be read from.
   *
   * @throws IOException if it is cut short or longer than {@link #MAX_MESSAGE_BYTES}
   */
  static ByteBuffer readMessage(ReadableByteChannel channel) throws IOException {
    ByteBuffer message = ByteBuffer.allocate(8192);
    int end = -1;
    while (end < 0 || message.position() < end) {
      if (!message.hasRemaining()) {
        if (message.capacity() * 2 > MAX_MESSAGE_BYTES) {
          throw new IOException("message of more than " + MAX_MESSAGE_BYTES + " octets");
        }
        message = ByteBuffer.allocate(message.capacity() * 2).put(message.flip());
      }
      if (channel.read(message) < 0) {
        throw new IOException("message cut short after " + message.position() + " octets");
      }
      if (end < 0) {
        end = messageEnd(message);
      }
    }
    return message.flip();
  }

  /** The body of a message that {@link #readMessage} gave. */
  static String body(ByteBuffer message) {
    String text = StandardCharsets.UTF_8.decode(message.duplicate()).toString();
    int at = text.indexOf("\r\n\r\n");
    return at < 0 ? "" : text.substring(at + 4);
  }

  /** The status code of a response. */
  static int status(ByteBuffer message) throws IOException {
    String text = StandardCharsets.US_ASCII.decode(message.duplicate()).toString();
    if (!text.matches("(?s)HTTP/1\\.1 [0-9]{3} .*")) {
      throw new IOException("not an HTTP/1.1 response");
    }
    return Integer.parseInt(text.substring(9, 12));
  }

  private static int messageEnd(ByteBuffer message) throws IOException {
    String text = new String(message.array(), 0, message.position(), StandardCharsets.US_ASCII);
    int headersEnd = text.indexOf("\r\n\r\n");
    if (headersEnd < 0) {
      return -1;
    }
    for (String line : text.substring(0, headersEnd).split("\r\n")) {
      if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
        String value = line.substring(line.indexOf(':') + 1).strip();
        if (!value.matches("[0-9]{1,9}") || Integer.parseInt(value) > MAX_MESSAGE_BYTES) {
          throw new IOException("content length " + value + " refused");
        }
        return headersEnd + 4 + Integer.parseInt(value);
      }
    }
    return headersEnd + 4;
  }
}
