package dev.here.formats.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Walks over the entries of one received PAGES frame; nothing is allocated a page. Every entry is
 * checked before it is shown: page index within the guest's memory and on its own stream, encoding
 * known, length fitting the encoding and the frame.
 */
public final class PageCursor {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private final int pageCount;
  private final int stream;
  private final int streams;
  private MemorySegment segment = MemorySegment.NULL;
  private long at;
  private long end;
  private long epoch;
  private int left;
  private int pageIndex;
  private int encoding;
  private int dataBytes;

  /** For frames of data stream {@code stream} of {@code streams}, of a guest of that many pages. */
  public PageCursor(int pageCount, int stream, int streams) {
    this.pageCount = pageCount;
    this.stream = stream;
    this.streams = streams;
  }

  /** Opens the current frame of {@code reader}, which is a PAGES frame. */
  public void open(FrameReader reader) {
    if (reader.payloadBytes() < PageFrame.HEAD_BYTES) {
      throw new WireException("PAGES has %d octets only".formatted(reader.payloadBytes()));
    }
    segment = reader.segment();
    at = reader.payloadOffset();
    end = at + reader.payloadBytes();
    epoch = segment.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    left = segment.get(INT, at + 8);
    at += PageFrame.HEAD_BYTES;
    dataBytes = 0;
    if (epoch < 0 || left < 1 || left > (end - at) / PageFrame.ENTRY_BYTES) {
      throw new WireException(
          "PAGES of epoch %d announces %d entries in %d octets".formatted(epoch, left, end - at));
    }
  }

  /** The epoch that the frame's pages belong to. */
  public long epoch() {
    return epoch;
  }

  /** Goes to the next entry; false after the last one. */
  public boolean next() {
    at += dataBytes;
    dataBytes = 0;
    if (left == 0) {
      if (at != end) {
        throw new WireException("PAGES has %d octets after its last entry".formatted(end - at));
      }
      return false;
    }
    if (end - at < PageFrame.ENTRY_BYTES) {
      throw new WireException("PAGES ends inside an entry, %d are missing".formatted(left));
    }
    pageIndex = segment.get(INT, at);
    int word = segment.get(INT, at + 4);
    encoding = word & 0xff;
    int length = word >>> 16;
    at += PageFrame.ENTRY_BYTES;
    if (pageIndex < 0 || pageIndex >= pageCount) {
      throw new WireException(
          "page index %d is beyond the guest's %d pages"
              .formatted(Integer.toUnsignedLong(pageIndex), pageCount));
    }
    if (WireProtocol.streamOf(pageIndex, streams) != stream) {
      throw new WireException(
          "page %d came on stream %d of %d".formatted(pageIndex, stream, streams));
    }
    if ((word & 0xff00) != 0 || !PageEncoding.lengthFits(encoding, length)) {
      throw new WireException(
          "page %d has encoding %d with %d octets".formatted(pageIndex, word & 0xffff, length));
    }
    if (length > end - at) {
      throw new WireException("PAGES ends inside page %d".formatted(pageIndex));
    }
    dataBytes = length;
    left--;
    return true;
  }

  /** Page index of the current entry. */
  public int pageIndex() {
    return pageIndex;
  }

  /** {@link PageEncoding} of the current entry. */
  public int encoding() {
    return encoding;
  }

  /** The memory that holds the current entry's data, {@link #dataOffset} octets from its start. */
  public MemorySegment segment() {
    return segment;
  }

  /** Where in {@link #segment} the current entry's data begin. */
  public long dataOffset() {
    return at;
  }

  /** Octets of data of the current entry. */
  public int dataBytes() {
    return dataBytes;
  }
}
