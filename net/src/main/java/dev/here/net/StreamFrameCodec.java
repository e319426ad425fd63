package dev.here.net;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The framing of QEMU's socket chardevs between net filters (net/filter-mirror.c): each frame is
 *
 * <pre>
 *   u32 size, big-endian, of the data
 *   u32 length of the virtio-net header at the head of the data; only with vnet_hdr_support
 *   data: header and Ethernet frame
 * </pre>
 *
 * It decodes whatever pieces a stream arrives in, into one buffer of its own, and encodes. Header
 * lengths are 0, 10 or 12; a shorter one is filled up with zeros to {@link FramePort}'s 12. A size
 * over {@link FramePort#MAX_RECORD_BYTES} is refused before anything is taken for it. The page
 * docs/specs/frame-gate.md has the rules. One thread decodes.
 */
public final class StreamFrameCodec {
  /** Octets before the data of a frame that {@link #encode} writes. */
  public static final int MAX_PREFIX_BYTES = 8;

  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /** Takes decoded frames. */
  @FunctionalInterface
  public interface Frames {
    /**
     * @param record header of 12 octets and frame, valid during the call
     * @param length of both
     */
    void frame(MemorySegment record, int length);
  }

  private final boolean vnetHeaders;
  private final MemorySegment prefix = MemorySegment.ofArray(new byte[MAX_PREFIX_BYTES]);
  private final MemorySegment record;
  private int prefixDone;
  private int dataSize;
  private int headerBytes;
  private volatile int lastHeaderBytes = FramePort.HEADER_BYTES;
  private int dataDone;

  /**
   * @param vnetHeaders the filters have vnet_hdr_support=on
   * @param record native memory of {@link FramePort#MAX_RECORD_BYTES} plus 12 octets, for the frame
   *     that is being put together
   */
  public StreamFrameCodec(boolean vnetHeaders, MemorySegment record) {
    if (record.byteSize() < FramePort.MAX_RECORD_BYTES + FramePort.HEADER_BYTES) {
      throw new IllegalArgumentException(
          "buffer of %d octets for frames of up to %d"
              .formatted(record.byteSize(), FramePort.MAX_RECORD_BYTES + FramePort.HEADER_BYTES));
    }
    this.vnetHeaders = vnetHeaders;
    this.record = record;
  }

  /** Whether what was decoded so far ended with a frame. */
  boolean isBetweenFrames() {
    return prefixDone == 0;
  }

  /**
   * How many octets the frame takes that begins at {@code at}, its prefix included; 0 when it is
   * not whole. Takes nothing from the frame that is being decoded.
   *
   * @param length octets of {@code chunk} that are the stream's
   * @throws FrameStreamException when the stream cannot be one of frames
   */
  static int frameOctets(MemorySegment chunk, long at, long length, boolean vnetHeaders) {
    int prefixBytes = vnetHeaders ? 8 : 4;
    if (length - at < prefixBytes) {
      return 0;
    }
    long size = chunk.get(U32, at) & 0xffff_ffffL;
    long header = vnetHeaders ? chunk.get(U32, at + 4) & 0xffff_ffffL : 0;
    checkLengths(size, header);
    return length - at < prefixBytes + size ? 0 : (int) (prefixBytes + size);
  }

  /** How many octets the whole frames at the beginning of {@code chunk} take. */
  long wholeFrames(MemorySegment chunk, long length) {
    long at = 0;
    int octets;
    do {
      octets = frameOctets(chunk, at, length, vnetHeaders);
      at += octets;
    } while (octets > 0);
    return at;
  }

  /** A new connection: what is left of the last one's frame is forgotten. */
  public void restart() {
    prefixDone = 0;
    dataDone = 0;
  }

  /**
   * Decodes {@code length} octets of {@code chunk}.
   *
   * @throws FrameStreamException when the stream cannot be one of frames
   */
  public void decode(MemorySegment chunk, long length, Frames frames) {
    long at = 0;
    int prefixBytes = vnetHeaders ? 8 : 4;
    while (at < length) {
      if (prefixDone < prefixBytes) {
        int here = (int) Math.min(prefixBytes - prefixDone, length - at);
        MemorySegment.copy(chunk, at, prefix, prefixDone, here);
        prefixDone += here;
        at += here;
        if (prefixDone == prefixBytes) {
          begin();
        }
      } else {
        int here = atOnce((int) Math.min(dataSize - dataDone, length - at));
        MemorySegment.copy(chunk, at, record, dataOffset(), here);
        dataDone += here;
        at += here;
      }
      if (prefixDone == prefixBytes && dataDone == dataSize) {
        int total = FramePort.HEADER_BYTES + dataSize - headerBytes;
        restart();
        frames.frame(record, total);
      }
    }
  }

  /** Where the next octet of the data lands: the header at 0, the frame at 12. */
  private long dataOffset() {
    return dataDone < headerBytes ? dataDone : FramePort.HEADER_BYTES + dataDone - headerBytes;
  }

  /** How much of {@code available} can be copied at once: not across the header's end. */
  private int atOnce(int available) {
    return dataDone < headerBytes ? Math.min(available, headerBytes - dataDone) : available;
  }

  /** Whether a virtio-net header can have so many octets: 0, 10 or 12. */
  static boolean isHeaderLength(long octets) {
    return octets == 0 || octets == FramePort.HEADER_BYTES || octets == FramePort.HEADER_BYTES - 2;
  }

  private void begin() {
    long size = prefix.get(U32, 0) & 0xffff_ffffL;
    long header = vnetHeaders ? prefix.get(U32, 4) & 0xffff_ffffL : 0;
    checkLengths(size, header);
    dataSize = (int) size;
    headerBytes = (int) header;
    if (headerBytes != lastHeaderBytes) {
      lastHeaderBytes = headerBytes;
    }
    dataDone = 0;
    record.asSlice(0, FramePort.HEADER_BYTES).fill((byte) 0);
  }

  private static void checkLengths(long size, long header) {
    if (!isHeaderLength(header)) {
      throw new FrameStreamException(
          "a frame has a virtio-net header of %d octets, must be 0, 10 or 12: set vnet_hdr_support alike on both filters"
              .formatted(header));
    }
    if (size > FramePort.MAX_RECORD_BYTES || size < header) {
      throw new FrameStreamException(
          "a frame of %d octets with a header of %d, at most %d are allowed"
              .formatted(size, header, FramePort.MAX_RECORD_BYTES));
    }
  }

  /**
   * Length of the header that the last decoded frame had: what the other end's back end uses, and
   * so what frames sent back to it must have. Readable by any thread.
   */
  public int lastHeaderBytes() {
    return lastHeaderBytes;
  }

  /**
   * Writes a frame in this framing. Takes nothing from the frame that is being decoded.
   *
   * @param frame header of 12 octets and frame
   * @param length of both
   * @param headerBytes how much of the header the other end wants: 0, 10 or 12
   * @param into room for {@code length} and {@link #MAX_PREFIX_BYTES}
   * @return octets written
   */
  public static int encode(
      MemorySegment frame, int length, boolean vnetHeaders, int headerBytes, MemorySegment into) {
    int header = vnetHeaders ? headerBytes : 0;
    int frameBytes = length - FramePort.HEADER_BYTES;
    into.set(U32, 0, header + frameBytes);
    int prefixBytes = 4;
    if (vnetHeaders) {
      into.set(U32, 4, header);
      prefixBytes = 8;
    }
    MemorySegment.copy(frame, 0, into, prefixBytes, header);
    MemorySegment.copy(
        frame, FramePort.HEADER_BYTES, into, prefixBytes + (long) header, frameBytes);
    return prefixBytes + header + frameBytes;
  }
}
