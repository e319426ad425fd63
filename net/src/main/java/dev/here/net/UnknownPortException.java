package dev.here.net;

/**
 * A guest's port cannot be described, so no port like it can be made elsewhere. The text names the
 * port, the reason and the remedy.
 */
public final class UnknownPortException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public UnknownPortException(String message) {
    super(message);
  }

  public UnknownPortException(String message, Throwable cause) {
    super(message, cause);
  }
}
