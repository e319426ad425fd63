package dev.here.formats.control;

/** What arrived is not the control protocol, or breaks its bounds. */
public final class ControlException extends RuntimeException {
  public ControlException(String message) {
    super(message);
  }

  public ControlException(String message, Throwable cause) {
    super(message, cause);
  }
}
