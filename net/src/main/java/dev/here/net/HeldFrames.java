package dev.here.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The frames that a gate held when its process died, from the file of its {@link FrameRoom}. The
 * one that was leaving at that moment is among them: it may leave twice, as on any network. Nothing
 * in the file is believed before it is checked. For one thread.
 */
public final class HeldFrames implements AutoCloseable {
  /** The smallest ring. */
  private static final long SAMPLE_BYTES = 262_144;

  private final Path file;
  private final FileChannel channel;
  private final ByteBuffer record = ByteBuffer.allocate(FramePort.MAX_RECORD_BYTES);
  private final ByteBuffer prefix =
      ByteBuffer.allocate(FrameRing.PREFIX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final int headerBytes;
  private final boolean leaving;
  private final long capacityBytes;
  private final long head;
  private final long tail;

  private HeldFrames(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    ByteBuffer page =
        ByteBuffer.allocate(FrameRoom.TAIL_OFFSET + Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    read(page, 0);
    long magic = page.getLong(0);
    int version = page.getInt(FrameRoom.VERSION_OFFSET);
    require(
        magic == FrameRoom.MAGIC && version == FrameRoom.VERSION,
        "is no gate's, or of another version",
        version);
    headerBytes = page.getInt(FrameRoom.HEADER_BYTES_OFFSET);
    require(
        StreamFrameCodec.isHeaderLength(headerBytes),
        "has a header length other than 0, 10 or 12",
        headerBytes);
    capacityBytes = page.getLong(FrameRoom.CAPACITY_OFFSET);
    require(
        Long.bitCount(capacityBytes) == 1
            && channel.size() == FrameRoom.RING_OFFSET + capacityBytes,
        "is not as long as its ring's capacity says",
        capacityBytes);
    head = page.getLong(FrameRoom.HEAD_OFFSET);
    tail = page.getLong(FrameRoom.TAIL_OFFSET);
    leaving = page.getInt(FrameRoom.LEAVING_OFFSET) != 0;
    require(
        0 <= head && head <= tail && tail - head <= capacityBytes,
        "has impossible positions",
        tail - head);
  }

  /**
   * Opens the file of a process that has died.
   *
   * @throws FrameStreamException when it is not a gate's, with what is wrong
   * @throws UncheckedIOException when it cannot be read
   */
  public static HeldFrames open(Path file) {
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      try {
        return new HeldFrames(file, channel);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Writes the file of a gate that holds one frame of the smallest size, as a process that has died
   * leaves it.
   *
   * @throws UncheckedIOException when it cannot be written
   */
  public static void writeSample(Path file) {
    int length = FramePort.HEADER_BYTES + FramePort.MIN_FRAME_BYTES;
    Path made = file.resolveSibling(file.getFileName() + ".sample");
    try (Arena arena = Arena.ofConfined();
        FrameRoom room = FrameRoom.inFile(made, SAMPLE_BYTES)) {
      new FrameRing(room).add(1, arena.allocate(length, Long.BYTES), length);
      // Closing the room removes its file.
      Files.move(made, file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How long a virtio-net header the back end expects before a frame: 0, 10 or 12 octets. */
  public int headerBytes() {
    return headerBytes;
  }

  /** Whether a frame was on its way out: nobody knows how much of it has gone. */
  public boolean wasLeaving() {
    return leaving;
  }

  /** Whether nothing was held. */
  public boolean isEmpty() {
    return head == tail;
  }

  /**
   * Gives all frames in the order in which the guest sent them.
   *
   * @throws FrameStreamException at the first record that cannot be; those before were given
   * @throws UncheckedIOException when the file cannot be read
   */
  public void forEach(StreamFrameCodec.Frames frames) {
    try {
      long at = head;
      while (at < tail) {
        at = next(at, frames);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Gives the record at a position, or skips unused octets; where it goes on. */
  private long next(long at, StreamFrameCodec.Frames frames) throws IOException {
    long offset = at & capacityBytes - 1;
    long toEnd = capacityBytes - offset;
    read(prefix.clear().limit((int) Math.min(toEnd, FrameRing.PREFIX_BYTES)), offset(offset));
    int length = prefix.getInt(0);
    if (length == FrameRing.SKIP) {
      return at + toEnd;
    }
    require(
        length >= FramePort.HEADER_BYTES + FramePort.MIN_FRAME_BYTES
            && length <= FramePort.MAX_RECORD_BYTES
            && FrameRing.recordBytes(length) <= Math.min(toEnd, tail - at),
        "has a frame of an impossible length at %d".formatted(at),
        length);
    read(record.clear().limit(length), offset(offset) + FrameRing.PREFIX_BYTES);
    frames.frame(MemorySegment.ofBuffer(record.flip()), length);
    return at + FrameRing.recordBytes(length);
  }

  private static long offset(long inRing) {
    return FrameRoom.RING_OFFSET + inRing;
  }

  private void read(ByteBuffer into, long offset) throws IOException {
    long at = offset;
    while (into.hasRemaining()) {
      int count = channel.read(into, at);
      require(count > 0, "ends too early, at octet", at);
      at += count;
    }
  }

  private void require(boolean holds, String otherwise, long value) {
    if (!holds) {
      throw new FrameStreamException("%s %s (%d)".formatted(file, otherwise, value));
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
