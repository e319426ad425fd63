package dev.here.vmm;

/** A disk's medium failed; the guest gets an I/O error. The text says what was tried and why. */
public final class BlockErrorException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public BlockErrorException(String message) {
    super(message);
  }
}
