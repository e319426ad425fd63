package dev.here.kvm;

/** This host's KVM lacks what is needed; the text says what, and what to do. */
public final class UnsupportedKvmException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UnsupportedKvmException(String message) {
    super(message);
  }
}
