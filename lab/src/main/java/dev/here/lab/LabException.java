package dev.here.lab;

/**
 * The lab cannot do what was asked; the text says what failed, with what, and what the user can do.
 */
public final class LabException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  LabException(String message) {
    super(message);
  }

  LabException(String message, Throwable cause) {
    super(message, cause);
  }
}
