package dev.here.formats.xen;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;

/**
 * Writes the items of a saved guest in the order in which they are given: what {@link
 * XenStreamReader} read comes out as the same octets.
 *
 * <p>Described in docs/specs/xen-streams.md.
 */
public final class XenStreamWriter {
  private final WritableByteChannel channel;
  private long written;

  /**
   * @param channel written in blocking mode, not closed
   */
  public XenStreamWriter(WritableByteChannel channel) {
    this.channel = channel;
  }

  /** Octets written so far. */
  public long position() {
    return written;
  }

  /**
   * Writes one item.
   *
   * @throws IOException if the channel fails
   */
  public void write(XenStreamItem item) throws IOException {
    switch (item) {
      case XlSaveHeader header -> write(xlHeader(header));
      case LibxlHeader header -> write(libxlHeader(header));
      case LibxcHeader header -> write(libxcHeader(header));
      case LibxlRecord entry -> record(entry.type(), LibxlRecordCodec.encode(entry));
      case LibxcRecord entry -> record(entry.type(), LibxcRecordCodec.encode(entry));
    }
  }

  /**
   * Writes PAGE_DATA records of ordinary pages, straight from where they lie.
   *
   * @param firstGfn guest frame number of the first
   * @param contents whole pages, of frames that follow each other
   * @throws IOException if the channel fails
   */
  public void pages(long firstGfn, MemorySegment contents) throws IOException {
    long count = contents.byteSize() / LibxcRecord.PageData.PAGE_BYTES;
    for (long first = 0; first < count; first += LibxcRecord.PageData.MAX_PAGES) {
      int pages = (int) Math.min(LibxcRecord.PageData.MAX_PAGES, count - first);
      int octets = pages * LibxcRecord.PageData.PAGE_BYTES;
      var head = new XenStreamOutput();
      head.u32(LibxcRecordType.PAGE_DATA.code()).u32(8 + 8L * pages + octets).u32(pages).u32(0);
      for (int page = 0; page < pages; page++) {
        head.u64(LibxcRecord.PageEntry.normal(firstGfn + first + page).bits());
      }
      write(head.toArray());
      write(contents.asSlice(first * LibxcRecord.PageData.PAGE_BYTES, octets).asByteBuffer());
    }
  }

  private void record(long type, byte[] body) throws IOException {
    if (body.length > XenRecordBody.MAX_BYTES) {
      throw new XenFormatException(
          written,
          "a record of %d octets, Xen reads at most %d"
              .formatted(body.length, XenRecordBody.MAX_BYTES));
    }
    write(new XenStreamOutput().u32(type).u32(body.length).toArray());
    write(body);
    write(new byte[-body.length & 7]);
  }

  private static byte[] xlHeader(XlSaveHeader header) {
    return new XenStreamOutput()
        .octets(XlSaveHeader.MAGIC.getBytes(StandardCharsets.US_ASCII))
        .u32(XlSaveHeader.BYTE_ORDER)
        .u32(header.mandatoryFlags())
        .u32(header.optionalFlags())
        .u32(header.optionalData().length())
        .octets(header.optionalData().toArray())
        .toArray();
  }

  private static byte[] libxlHeader(LibxlHeader header) {
    return new XenStreamOutput()
        .u64(Long.reverseBytes(LibxlHeader.IDENT))
        .big32(LibxlHeader.VERSION)
        .big32(header.options())
        .toArray();
  }

  private static byte[] libxcHeader(LibxcHeader header) {
    return new XenStreamOutput()
        .u64(LibxcHeader.MARKER)
        .big32(LibxcHeader.ID)
        .big32(header.version())
        .u16(Short.reverseBytes((short) header.options()))
        .u16((int) header.reserved())
        .u32(header.reserved() >> 16)
        .u32(header.domainType())
        .u16(header.pageShift())
        .u16(header.domainReserved())
        .u32(header.xenMajor())
        .u32(header.xenMinor())
        .toArray();
  }

  private void write(byte[] octets) throws IOException {
    write(ByteBuffer.wrap(octets));
  }

  private void write(ByteBuffer octets) throws IOException {
    int count = octets.remaining();
    while (octets.hasRemaining()) {
      channel.write(octets);
    }
    written += count;
  }
}
