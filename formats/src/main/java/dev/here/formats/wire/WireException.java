package dev.here.formats.wire;

/**
 * A peer sent something that the protocol does not allow. The connection it came on is closed; what
 * was committed before stays. The text says what came and what was expected.
 */
public final class WireException extends RuntimeException {
  public WireException(String message) {
    super(message);
  }

  public WireException(String message, Throwable cause) {
    super(message, cause);
  }
}
