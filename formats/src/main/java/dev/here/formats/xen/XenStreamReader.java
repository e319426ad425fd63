package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Reads a saved or migrated guest, item by item: a file of {@code xl save}, a bare libxl stream or
 * a bare libxc stream, told apart by their first octets.
 *
 * <pre>
 *   [xl header] ─► libxl header ─► libxl records ─LIBXC_CONTEXT─► libxc headers ─► libxc records
 *                                    ▲   ▲  │                                          │   ▲
 *                                    │   └──┼──────────── END, CHECKPOINT ─────────────┘   │
 *                                    │      └──────────── CHECKPOINT_END ──────────────────┘
 *                                   END: the stream is complete
 * </pre>
 *
 * <p>Described in docs/specs/xen-streams.md.
 */
public final class XenStreamReader {
  private enum State {
    START,
    LIBXL_HEADER,
    LIBXL_RECORDS,
    LIBXC_HEADER,
    LIBXC_RECORDS,
    COMPLETE
  }

  private static final long XL_BEGINS = 0x58656e2073617665L;

  private final XenStreamInput in;
  private State state = State.START;
  private boolean bare;
  private int version;
  private boolean staticDataEnded;
  private long itemPosition;

  /**
   * @param channel read in blocking mode up to the last item, not closed
   */
  public XenStreamReader(ReadableByteChannel channel) {
    this.in = new XenStreamInput(channel);
  }

  /** Where the item that {@link #next} gave last began, octets from the beginning. */
  public long itemPosition() {
    return itemPosition;
  }

  /** Octets consumed so far. */
  public long position() {
    return in.position();
  }

  /**
   * The next item, or nothing after the record that ends the stream.
   *
   * @throws XenFormatException if the stream is not of a supported Xen, or has a mandatory record
   *     that is not known
   * @throws IOException if the channel fails or ends too early
   */
  public Optional<XenStreamItem> next() throws IOException {
    itemPosition = in.position();
    return switch (state) {
      case START -> Optional.of(first());
      case LIBXL_HEADER -> Optional.of(libxlHeader());
      case LIBXL_RECORDS -> Optional.of(libxlRecord());
      case LIBXC_HEADER -> Optional.of(libxcHeader());
      case LIBXC_RECORDS -> Optional.of(libxcRecord());
      case COMPLETE -> Optional.empty();
    };
  }

  private XenStreamItem first() throws IOException {
    long begin = in.peek("its beginning");
    if (begin == XL_BEGINS) {
      return xlHeader();
    }
    bare = begin == LibxcHeader.MARKER;
    if (!bare && begin != LibxlHeader.IDENT) {
      throw in.refused(
          "begins with %016x: neither a file of xl save nor a libxl or libxc stream"
              .formatted(begin));
    }
    return bare ? libxcHeader() : libxlHeader();
  }

  private XlSaveHeader xlHeader() throws IOException {
    Bytes magic = in.bytes(XlSaveHeader.MAGIC.length(), "the header of xl save");
    if (!magic.equals(Bytes.of(XlSaveHeader.MAGIC.getBytes(StandardCharsets.US_ASCII)))) {
      throw in.refused("the magic of xl save is damaged");
    }
    long order = in.u32("byte order");
    if (order != XlSaveHeader.BYTE_ORDER) {
      throw in.refused("the byte order mark is %xh: not a file of a PC".formatted(order));
    }
    long mandatory = in.u32("mandatory flags");
    long known = XlSaveHeader.FLAG_JSON | XlSaveHeader.FLAG_STREAM_V2;
    if ((mandatory & ~known) != 0 || (mandatory & XlSaveHeader.FLAG_STREAM_V2) == 0) {
      throw in.refused(
          "mandatory flags are %xh, known are %xh with %xh set: save it with Xen 4.17"
              .formatted(mandatory, known, XlSaveHeader.FLAG_STREAM_V2));
    }
    long optional = in.u32("optional flags");
    int length = length("optional data", in.u32("length"), XlSaveHeader.MAX_OPTIONAL_BYTES);
    var header = new XlSaveHeader(mandatory, optional, in.bytes(length, "optional data"));
    state = State.LIBXL_HEADER;
    return header;
  }

  private int length(String what, long length, int most) {
    if (length > most) {
      throw in.refused("%s of %d octets, at most %d are read".formatted(what, length, most));
    }
    return (int) length;
  }

  private LibxlHeader libxlHeader() throws IOException {
    long ident = Long.reverseBytes(in.u64("libxl header"));
    long streamVersion = bigEndian(in.u32("libxl header"));
    long options = bigEndian(in.u32("libxl header"));
    if (ident != LibxlHeader.IDENT || streamVersion != LibxlHeader.VERSION) {
      throw in.refused(
          "libxl header is %016x version %d, not version %d"
              .formatted(ident, streamVersion, LibxlHeader.VERSION));
    }
    if ((options & LibxlHeader.OPTION_BIG_ENDIAN) != 0) {
      throw in.refused("a libxl stream of a big-endian host");
    }
    state = State.LIBXL_RECORDS;
    return new LibxlHeader(options);
  }

  private static long bigEndian(long littleEndian) {
    return Integer.toUnsignedLong(Integer.reverseBytes((int) littleEndian));
  }

  private LibxlRecord libxlRecord() throws IOException {
    var body = new XenRecordBody(in, "libxl record");
    LibxlRecord record = LibxlRecordCodec.decode(body);
    body.end();
    state =
        switch (record) {
          case LibxlRecord.End end -> State.COMPLETE;
          case LibxlRecord.LibxcContext context -> State.LIBXC_HEADER;
          case LibxlRecord.CheckpointEnd end -> State.LIBXC_RECORDS;
          default -> State.LIBXL_RECORDS;
        };
    return record;
  }

  private LibxcHeader libxcHeader() throws IOException {
    long marker = in.u64("libxc header");
    long id = bigEndian(in.u32("libxc header"));
    version = (int) bigEndian(in.u32("libxc header"));
    int options = Short.toUnsignedInt(Short.reverseBytes((short) in.u16("libxc header")));
    long reserved = in.u16("libxc header") | in.u32("libxc header") << 16;
    if (marker != LibxcHeader.MARKER || id != LibxcHeader.ID || version < 2 || version > 3) {
      throw in.refused(
          "libxc header is %016x %08x version %d, not version 2 or 3"
              .formatted(marker, id, version));
    }
    if ((options & LibxcHeader.OPTION_BIG_ENDIAN) != 0) {
      throw in.refused("a libxc stream of a big-endian host");
    }
    var header =
        new LibxcHeader(
            version,
            options,
            reserved,
            in.u32("domain header"),
            in.u16("domain header"),
            in.u16("domain header"),
            in.u32("domain header"),
            in.u32("domain header"));
    if (header.domainType() != LibxcHeader.HVM || header.pageShift() != LibxcHeader.PAGE_SHIFT) {
      throw in.refused(
          "a guest of type %d with pages of 2^%d octets: only HVM guests (2) with 2^12 are read"
              .formatted(header.domainType(), header.pageShift()));
    }
    staticDataEnded = version == 2;
    state = State.LIBXC_RECORDS;
    return header;
  }

  private LibxcRecord libxcRecord() throws IOException {
    var body = new XenRecordBody(in, "libxc record");
    LibxcRecord record = LibxcRecordCodec.decode(body);
    body.end();
    switch (record) {
      case LibxcRecord.PageData data when !staticDataEnded ->
          throw in.refused("PAGE_DATA before STATIC_DATA_END");
      case LibxcRecord.Mark mark -> mark(mark.kind());
      default -> {}
    }
    return record;
  }

  private void mark(LibxcRecordType kind) {
    switch (kind) {
      case STATIC_DATA_END -> staticDataEnded = true;
      case END -> state = bare ? State.COMPLETE : State.LIBXL_RECORDS;
      case CHECKPOINT -> state = bare ? State.LIBXC_RECORDS : State.LIBXL_RECORDS;
      default -> {}
    }
  }
}
