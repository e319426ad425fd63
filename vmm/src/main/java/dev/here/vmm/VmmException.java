package dev.here.vmm;

/**
 * The VMM cannot do what was asked, or the guest cannot go on. The text says what failed, with what
 * values, and what the user can do.
 */
public class VmmException extends RuntimeException {
  public VmmException(String message) {
    super(message);
  }

  public VmmException(String message, Throwable cause) {
    super(message, cause);
  }
}
