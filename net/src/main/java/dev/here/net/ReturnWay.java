package dev.here.net;

import dev.here.ffi.NativeException;
import dev.here.ffi.UnixSocket;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connection on which a dead keeper's gate gave frames back to QEMU, to go out. Once begun, a
 * thread of its own writes to it, for QEMU may let it wait.
 */
final class ReturnWay implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ReturnWay.class);

  private final UnixSocket socket;
  private final Arena arena = Arena.ofShared();
  private Optional<Thread> thread = Optional.empty();

  ReturnWay(UnixSocket socket) {
    this.socket = socket;
  }

  /**
   * Begins, once, to let frames go; the connection must be between two of them.
   *
   * @param held gives those that go first, in QEMU's framing
   * @param later what has come since, and comes
   */
  synchronized void begin(Consumer<Consumer<ByteBuffer>> held, OrphanedConnection later) {
    MemorySegment buffer =
        arena.allocate(FramePort.MAX_RECORD_BYTES + (long) StreamFrameCodec.MAX_PREFIX_BYTES, 8);
    thread =
        Optional.of(
            Thread.ofPlatform()
                .daemon()
                .name("frames-back")
                .start(() -> run(frame -> write(frame, buffer), held, later)));
  }

  synchronized boolean isBegun() {
    return thread.isPresent();
  }

  private void run(
      Consumer<ByteBuffer> way, Consumer<Consumer<ByteBuffer>> held, OrphanedConnection later) {
    try {
      held.accept(way);
      List<byte[]> frames = later.awaitFrames();
      while (!frames.isEmpty()) {
        frames.forEach(frame -> way.accept(ByteBuffer.wrap(frame)));
        frames = later.awaitFrames();
      }
      socket.endSending();
    } catch (NativeException | UncheckedIOException e) {
      LOG.warn("frames of a dead keeper's guest are lost: {}", e.getMessage());
      socket.shutdown();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void write(ByteBuffer frame, MemorySegment buffer) {
    MemorySegment octets = buffer.asSlice(0, frame.remaining());
    octets.copyFrom(MemorySegment.ofBuffer(frame));
    socket.send(octets);
  }

  /** Ends the connection, and with it a write that waits. */
  @Override
  public void close() {
    socket.shutdown();
    Optional<Thread> writing;
    synchronized (this) {
      writing = thread;
    }
    writing.ifPresent(Joining::await);
    socket.close();
    arena.close();
  }
}
