package dev.here.net;

import dev.here.ffi.NativeException;
import dev.here.ffi.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that a dead keeper read a guest's frames from. Once begun, a thread reads all that
 * comes and keeps it: QEMU, which writes blocking, never waits for whoever is to take it.
 */
final class OrphanedConnection implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OrphanedConnection.class);
  private static final int CHUNK_BYTES = 256 * 1024;

  /** As much as a keeper's gate holds; later frames are lost, as on a full link. */
  private static final long MOST_BYTES = 64L << 20;

  /** How late a thread that waits for frames sees that it is to end. */
  private static final int POLL_MILLIS = 50;

  private final UnixSocket socket;
  private final Arena arena = Arena.ofShared();
  private final Queue<byte[]> frames = new ArrayDeque<>();
  private long bytes;
  private Optional<Thread> thread = Optional.empty();
  private Optional<MemorySegment> chunk = Optional.empty();
  private int have;
  private boolean ended;
  private boolean finishing;
  private volatile boolean closed;

  OrphanedConnection(UnixSocket socket) {
    this.socket = socket;
  }

  /** Begins to read, from a frame's beginning. */
  synchronized void begin() {
    chunk = Optional.of(arena.allocate(CHUNK_BYTES, 64));
    thread = Optional.of(Thread.ofPlatform().daemon().name("orphaned").start(this::read));
  }

  synchronized boolean isRead() {
    return thread.isPresent();
  }

  private void read() {
    while (!closed && !hasEnded()) {
      if (socket.awaitReadable(POLL_MILLIS)) {
        drain();
      }
    }
  }

  private synchronized boolean hasEnded() {
    return ended;
  }

  /** Reads what is there. */
  private synchronized void drain() {
    try {
      while (chunk.isPresent() && !ended && socket.awaitReadable(0)) {
        MemorySegment into = chunk.get();
        int count = (int) socket.receive(into.asSlice(have));
        ended = count == 0;
        have += count;
        keepFrames(into);
      }
    } catch (NativeException | FrameStreamException e) {
      LOG.warn("frames of a dead keeper's guest ended: {}", e.getMessage());
      ended = true;
    }
  }

  private void keepFrames(MemorySegment from) {
    int at = 0;
    int octets = StreamFrameCodec.frameOctets(from, at, have, true);
    while (octets > 0) {
      if (bytes + octets <= MOST_BYTES) {
        frames.add(from.asSlice(at, octets).toArray(ValueLayout.JAVA_BYTE));
        bytes += octets;
        notifyAll();
      }
      at += octets;
      octets = StreamFrameCodec.frameOctets(from, at, have, true);
    }
    MemorySegment.copy(from, at, from, 0, have - at);
    have -= at;
  }

  /** Gives what has come, each frame once. */
  synchronized void take(Consumer<ByteBuffer> way) {
    drain();
    for (byte[] frame = frames.poll(); frame != null; frame = frames.poll()) {
      bytes -= frame.length;
      way.accept(ByteBuffer.wrap(frame));
    }
  }

  /** Waits for frames and gives all that have come; none when {@link #finish} was called. */
  synchronized List<byte[]> awaitFrames() throws InterruptedException {
    while (frames.isEmpty() && !finishing && !closed) {
      wait();
    }
    List<byte[]> come = List.copyOf(frames);
    frames.clear();
    bytes = 0;
    return come;
  }

  /** No more than what has been written up to now is to be given. */
  synchronized void finish() {
    drain();
    finishing = true;
    notifyAll();
  }

  @Override
  public void close() {
    Optional<Thread> reading;
    synchronized (this) {
      closed = true;
      reading = thread;
      notifyAll();
    }
    reading.ifPresent(Joining::await);
    socket.close();
    arena.close();
  }
}
