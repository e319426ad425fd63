package dev.here.ffi;

/**
 * A system call failed. The text says what was attempted, with its values, and the errno's name.
 */
public final class NativeException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int errno;
  private final String attempted;

  /**
   * @param errno positive error number
   * @param attempted what was tried with which values, for example {@code open /dev/kvm}
   */
  public NativeException(int errno, String attempted) {
    super(attempted + ": " + Errno.name(errno));
    this.errno = errno;
    this.attempted = attempted;
  }

  /**
   * @param remedy what the user can do about it
   */
  public NativeException(int errno, String attempted, String remedy) {
    super(attempted + ": " + Errno.name(errno) + " (" + remedy + ")");
    this.errno = errno;
    this.attempted = attempted;
  }

  /** Positive error number. */
  public int errno() {
    return errno;
  }

  /** The C name of the error number. */
  public String errnoName() {
    return Errno.name(errno);
  }

  /** What was tried. */
  public String attempted() {
    return attempted;
  }
}
