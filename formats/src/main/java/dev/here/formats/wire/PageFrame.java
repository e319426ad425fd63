package dev.here.formats.wire;

import dev.here.machine.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Collects page entries into one PAGES frame, in place; nothing is allocated a page. Layout:
 * docs/specs/wire.md, PAGES.
 */
public final class PageFrame {
  /** Octets of an entry before its data: page index, encoding, zero octet, length. */
  static final int ENTRY_BYTES = 8;

  /** Octets of the payload before the first entry: epoch, number of entries. */
  static final int HEAD_BYTES = 12;

  private static final int CAPACITY =
      WireProtocol.HEADER_BYTES + FrameType.PAGES.maxPayloadBytes() + WireProtocol.TRAILER_BYTES;
  private static final int FULL =
      WireProtocol.HEADER_BYTES
          + FrameType.PAGES.maxPayloadBytes()
          - ENTRY_BYTES
          - MemoryRegion.PAGE_BYTES;

  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(CAPACITY).order(ByteOrder.LITTLE_ENDIAN);
  private final MemorySegment segment = MemorySegment.ofBuffer(buffer);
  private int position = WireProtocol.HEADER_BYTES + HEAD_BYTES;
  private int entries;

  /** Starts an empty frame of {@code epoch}. */
  public void begin(long epoch) {
    clear();
    buffer.putLong(WireProtocol.HEADER_BYTES, epoch);
  }

  /** No further page is sure to fit. */
  public boolean isFull() {
    return position > FULL;
  }

  /** Entries collected. */
  public int entries() {
    return entries;
  }

  /** Appends a page of zeros. */
  public void addZero(int pageIndex) {
    entry(pageIndex, PageEncoding.ZERO, 0);
  }

  /**
   * Appends a page whose {@code length} encoded octets stand in {@code data} from {@code offset}
   * on.
   */
  public void add(int pageIndex, int encoding, MemorySegment data, long offset, int length) {
    entry(pageIndex, encoding, length);
    MemorySegment.copy(data, offset, segment, position, length);
    position += length;
  }

  private void entry(int pageIndex, int encoding, int length) {
    segment.set(ValueLayout.JAVA_INT_UNALIGNED, position, pageIndex);
    segment.set(ValueLayout.JAVA_INT_UNALIGNED, position + 4, encoding | length << 16);
    position += ENTRY_BYTES;
    entries++;
  }

  ByteBuffer complete() {
    buffer.putInt(WireProtocol.HEADER_BYTES + 8, entries);
    return buffer.clear().position(position);
  }

  void clear() {
    position = WireProtocol.HEADER_BYTES + HEAD_BYTES;
    entries = 0;
  }
}
