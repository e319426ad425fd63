package dev.here.driver.qemu;

import dev.here.formats.qemu.ColoMessage;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * The socket that QEMU migrates to, with a limit on its silence: a read that brings nothing for
 * {@code silenceNanos} closes the connection and fails. One thread reads and writes; {@link #close}
 * may come from any.
 */
final class ColoConnection implements ReadableByteChannel {
  private static final long NEVER = Long.MAX_VALUE;

  private final Path path;
  private final long silenceNanos;
  private final ServerSocketChannel server;
  private final Thread watchdog;
  private volatile SocketChannel channel;
  private volatile long waitingSinceNanos = NEVER;
  private volatile boolean timedOut;
  private volatile boolean closed;

  /** Listens on {@code path}, which must not exist. */
  @SuppressWarnings("NullAway.Init") // the channel is set by accept, before any other call
  ColoConnection(Path path, long silenceNanos) throws IOException {
    this.path = path;
    this.silenceNanos = silenceNanos;
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      server.bind(UnixDomainSocketAddress.of(path), 1);
    } catch (IOException e) {
      server.close();
      throw e;
    }
    watchdog = Thread.ofVirtual().name("colo-watchdog").start(this::watch);
  }

  /** Takes QEMU's connection. */
  void accept() throws IOException {
    waitingSinceNanos = System.nanoTime();
    try {
      channel = server.accept();
    } catch (IOException e) {
      throw explained(e);
    } finally {
      waitingSinceNanos = NEVER;
      server.close();
      Files.deleteIfExists(path);
    }
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    waitingSinceNanos = System.nanoTime();
    try {
      return channel.read(into);
    } catch (IOException e) {
      throw explained(e);
    } finally {
      waitingSinceNanos = NEVER;
    }
  }

  /** Sends messages, all at once. */
  void send(ColoMessage... messages) throws IOException {
    var octets = ByteBuffer.allocate(Integer.BYTES * messages.length);
    for (ColoMessage message : messages) {
      octets.put(message.encoded());
    }
    octets.flip();
    while (octets.hasRemaining()) {
      channel.write(octets);
    }
  }

  /** True when the connection was closed because QEMU was silent for too long. */
  boolean timedOut() {
    return timedOut;
  }

  private IOException explained(IOException cause) {
    return timedOut
        ? new IOException(
            "nothing came from QEMU for %d ms".formatted(Standstill.millis(silenceNanos)), cause)
        : cause;
  }

  /** Wakes four times in the allowed silence; what it costs does not depend on the traffic. */
  private void watch() {
    while (!closed) {
      LockSupport.parkNanos(silenceNanos / 4);
      long since = waitingSinceNanos;
      if (since != NEVER && System.nanoTime() - since > silenceNanos) {
        timedOut = true;
        close();
      }
    }
  }

  @Override
  public boolean isOpen() {
    return !closed;
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(watchdog);
    try {
      server.close();
      Files.deleteIfExists(path);
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException("closing the COLO socket " + path, e);
    }
  }
}
