package dev.here.formats.xen;

/**
 * Image header and domain header of libxc's stream.
 *
 * @param version 2 or 3
 * @param options bit 0 (big-endian) is refused, the others are kept
 * @param reserved the image header's last 6 octets, kept
 * @param domainType 1 PV, 2 HVM
 * @param pageShift a page is 2 to the power of this
 * @param domainReserved kept
 * @param xenMajor version of the Xen that wrote it
 * @param xenMinor version of the Xen that wrote it
 */
public record LibxcHeader(
    int version,
    int options,
    long reserved,
    long domainType,
    int pageShift,
    int domainReserved,
    long xenMajor,
    long xenMinor)
    implements XenStreamItem {
  /** Domain type of an HVM guest. */
  public static final long HVM = 2;

  static final long MARKER = -1;
  static final long ID = 0x58454e46L;
  static final int OPTION_BIG_ENDIAN = 1;
  static final int PAGE_SHIFT = 12;

  /** The head of an HVM guest's image as Xen 4.17's tools write it. */
  public static LibxcHeader hvm(int xenMajor, int xenMinor) {
    return new LibxcHeader(3, 0, 0, HVM, PAGE_SHIFT, 0, xenMajor, xenMinor);
  }
}
