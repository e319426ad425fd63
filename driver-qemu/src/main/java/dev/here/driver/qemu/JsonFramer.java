package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * Cuts a stream of octets into JSON objects by counting braces outside strings, so that it does not
 * matter how the sender breaks lines. Holds no more than has arrived, at most {@link
 * #MAX_MESSAGE_BYTES} for one object.
 */
final class JsonFramer {
  /** Longest object that is accepted; the largest real answers are tables of devices. */
  static final int MAX_MESSAGE_BYTES = 16 << 20;

  private byte[] message = new byte[4096];
  private int length;
  private int depth;
  private boolean inString;
  private boolean escaped;

  /**
   * Takes octets from {@code input} up to the end of the next object.
   *
   * @return the object's octets, or empty when {@code input} is used up before its end
   * @throws HypervisorException for what cannot be the beginning of an object, or too long a one
   */
  Optional<byte[]> next(ByteBuffer input) {
    while (input.hasRemaining()) {
      byte octet = input.get();
      if (depth == 0 && octet != '{') {
        if (octet == ' ' || octet == '\r' || octet == '\n' || octet == '\t') {
          continue;
        }
        throw new HypervisorException(
            "the QMP socket sent octet 0x%02x where an object must begin: is it a QMP socket?"
                .formatted(octet & 0xff));
      }
      append(octet);
      if (scan(octet)) {
        byte[] whole = Arrays.copyOf(message, length);
        length = 0;
        return Optional.of(whole);
      }
    }
    return Optional.empty();
  }

  private void append(byte octet) {
    if (length == message.length) {
      if (length == MAX_MESSAGE_BYTES) {
        throw new HypervisorException(
            "QEMU sent a QMP message of more than %d octets".formatted(MAX_MESSAGE_BYTES));
      }
      message = Arrays.copyOf(message, Math.min(MAX_MESSAGE_BYTES, 2 * length));
    }
    message[length++] = octet;
  }

  /** Counts one octet; true when it closes the object. */
  private boolean scan(byte octet) {
    if (inString) {
      if (escaped) {
        escaped = false;
      } else if (octet == '\\') {
        escaped = true;
      } else if (octet == '"') {
        inString = false;
      }
      return false;
    }
    switch (octet) {
      case '"' -> inString = true;
      case '{' -> depth++;
      case '}' -> depth--;
      default -> {}
    }
    return depth == 0;
  }
}
