package dev.here.vmm;

/** An image cannot be booted. The text says what is wrong with it and what would do instead. */
public final class BootException extends VmmException {
  public BootException(String message) {
    super(message);
  }

  public BootException(String message, Throwable cause) {
    super(message, cause);
  }
}
