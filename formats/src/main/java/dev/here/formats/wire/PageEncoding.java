package dev.here.formats.wire;

/** How a page's 4096 octets stand in a page entry. Plain numbers: they are used once a page. */
public final class PageEncoding {
  /** All octets are zero; no data. */
  public static final int ZERO = 0;

  /** The 4096 octets themselves. */
  public static final int RAW = 1;

  /** An LZ4 block of the page, 1 to 4095 octets. */
  public static final int LZ4 = 2;

  /** An LZ4 block of the page XOR the page that the standby holds, 1 to 4095 octets. */
  public static final int DELTA_LZ4 = 3;

  private PageEncoding() {}

  static boolean lengthFits(int encoding, int length) {
    return switch (encoding) {
      case ZERO -> length == 0;
      case RAW -> length == 4096;
      case LZ4, DELTA_LZ4 -> length > 0 && length < 4096;
      default -> false;
    };
  }
}
