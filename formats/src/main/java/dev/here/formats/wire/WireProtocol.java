package dev.here.formats.wire;

/**
 * Constants of the replication protocol; its specification is docs/specs/wire.md. All numbers are
 * little-endian.
 */
public final class WireProtocol {
  /** First 8 octets of each connection, both ways: "HEREWIRE" read as a little-endian number. */
  public static final long MAGIC = 0x45524957_45524548L;

  /** The version that this program speaks. */
  public static final int VERSION = 2;

  /** The oldest version that this program still reads. */
  public static final int OLDEST_VERSION = 1;

  /** The first version whose HELLO tells of the guest's cards. */
  public static final int CARDS_VERSION = 2;

  /** Most data streams of one session. */
  public static final int MAX_STREAMS = 8;

  /** Epoch number of the seeding; checkpoints count from 1. */
  public static final long SEEDING_EPOCH = 0;

  /** Octets before a frame's payload: type, three zero octets, length. */
  static final int HEADER_BYTES = 8;

  /** Octets after a frame's payload: CRC32C of header and payload. */
  static final int TRAILER_BYTES = 4;

  private WireProtocol() {}

  /**
   * The data stream that carries a page. All pages of one 64-page group go the same way, so copies
   * of one page stay in order and one word of a dirty bitmap belongs to one stream.
   */
  public static int streamOf(int pageIndex, int streams) {
    return (pageIndex >>> 6) % streams;
  }
}
