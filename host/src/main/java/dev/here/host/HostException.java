package dev.here.host;

/** A daemon's work failed; the text says what, with what values, and what the user can do. */
public class HostException extends RuntimeException {
  public HostException(String message) {
    super(message);
  }

  public HostException(String message, Throwable cause) {
    super(message, cause);
  }
}
