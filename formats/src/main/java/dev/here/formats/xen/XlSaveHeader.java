package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.util.Optional;

/**
 * What {@code xl save} writes before libxl's stream (tools/xl/xl.h): a magic of 32 octets, the mark
 * of the byte order, flags, and the guest's configuration.
 *
 * @param mandatoryFlags see FLAG_JSON and FLAG_STREAM_V2; no other is known
 * @param optionalFlags none is known
 * @param optionalData the length of the configuration (u32), the configuration, and what a later
 *     version may add
 */
public record XlSaveHeader(long mandatoryFlags, long optionalFlags, Bytes optionalData)
    implements XenStreamItem {
  /** The configuration is JSON. */
  public static final long FLAG_JSON = 1;

  /** libxl's stream of version 2 follows. */
  public static final long FLAG_STREAM_V2 = 2;

  static final String MAGIC = "Xen saved domain, xl format\n \0 \r";
  static final long BYTE_ORDER = 0x01020304L;

  /** Largest optional data that are read. */
  static final int MAX_OPTIONAL_BYTES = 4 << 20;

  /**
   * The guest's configuration as the tools read it, without the NUL that ends it.
   *
   * @throws XenFormatException if its length is more than there is
   */
  public Optional<Bytes> configuration() {
    if (optionalData.length() < 4) {
      return Optional.empty();
    }
    long length = optionalData.u32(0);
    if (length > optionalData.length() - 4) {
      throw new XenFormatException(
          -1,
          "the configuration announces %d octets, %d are there"
              .formatted(length, optionalData.length() - 4));
    }
    int end = 4 + (int) length;
    if (end > 4 && optionalData.at(end - 1) == 0) {
      end--;
    }
    return Optional.of(optionalData.slice(4, end));
  }
}
