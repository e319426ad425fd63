package dev.here.formats.state;

/**
 * A machine state or checkpoint file that cannot be used: not ours, a version that this program
 * does not read, cut short, damaged, or out of bounds. The text says which, and where.
 */
public final class StateFormatException extends RuntimeException {
  public StateFormatException(String message) {
    super(message);
  }

  public StateFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
