package dev.here.net;

/** A port's frames cannot be held; the text says of which port, why, and what can be done. */
public final class GateException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public GateException(String message) {
    super(message);
  }

  public GateException(String message, Throwable cause) {
    super(message, cause);
  }
}
