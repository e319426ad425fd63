package dev.here.hypervisor;

/**
 * A hypervisor did not do what was asked, or its answer cannot be understood. The text says what
 * was asked of what, what came back, and what the user can do.
 */
public class HypervisorException extends RuntimeException {
  public HypervisorException(String message) {
    super(message);
  }

  public HypervisorException(String message, Throwable cause) {
    super(message, cause);
  }
}
