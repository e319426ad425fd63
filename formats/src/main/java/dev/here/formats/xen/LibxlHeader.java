package dev.here.formats.xen;

/**
 * The head of libxl's stream, version 2.
 *
 * @param options bit 1: converted from the legacy format; bit 0 (big-endian) is refused
 */
public record LibxlHeader(long options) implements XenStreamItem {
  static final long IDENT = 0x4c6962786c466d74L;
  static final long VERSION = 2;
  static final long OPTION_BIG_ENDIAN = 1;
}
