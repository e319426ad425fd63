package dev.here.formats.xen;

/**
 * An HVM context or a migration stream is not what a supported Xen writes, or can't be written for
 * one. The text says where (byte position), what was found and, where there is one, the remedy.
 * Nothing of the input that was refused may be used.
 */
public final class XenFormatException extends RuntimeException {
  private final long position;

  /**
   * @param position byte position in the input, counted from its first byte, or -1 if the fault has
   *     no place in it
   * @param reason what was found and what was expected
   */
  public XenFormatException(long position, String reason) {
    super(position < 0 ? reason : "byte " + position + ": " + reason);
    this.position = position;
  }

  /** Byte position in the refused input, or -1. */
  public long position() {
    return position;
  }
}
