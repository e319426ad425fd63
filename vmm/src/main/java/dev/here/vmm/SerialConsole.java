package dev.here.vmm;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the first serial port leads to: standard input and output, a file, or a Unix socket for one
 * client at a time. Output waits in a bounded buffer and what does not fit is dropped, so that a
 * slow reader never stops the guest.
 */
final class SerialConsole implements SerialSink, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SerialConsole.class);
  private static final int BUFFER_BYTES = 1 << 16;
  private static final long INPUT_RETRY_MILLIS = 2;

  private final ReentrantLock buffering = new ReentrantLock();
  private final Condition filled = buffering.newCondition();
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private final Optional<ServerSocketChannel> server;
  private int first;
  private int count;
  private boolean closed;
  private volatile Optional<OutputStream> output = Optional.empty();
  private volatile Optional<InputStream> input = Optional.empty();

  /**
   * @throws VmmException the file or socket cannot be made
   */
  SerialConsole(VmmOptions.Console options) {
    try {
      server =
          options.kind() == VmmOptions.Console.Kind.SOCKET
              ? Optional.of(listen(Path.of(options.path())))
              : Optional.empty();
      switch (options.kind()) {
        case STDIO -> {
          output = Optional.of(System.out);
          input = Optional.of(System.in);
        }
        case FILE -> output = Optional.of(Files.newOutputStream(Path.of(options.path())));
        case NONE, SOCKET -> {}
      }
    } catch (IOException e) {
      throw new VmmException(
          "cannot open the console %s: %s".formatted(options.path(), e.getMessage()), e);
    }
    if (options.kind() != VmmOptions.Console.Kind.NONE) {
      start("console-output", this::writeOutput);
    }
  }

  private static ServerSocketChannel listen(Path path) throws IOException {
    Files.deleteIfExists(path);
    return ServerSocketChannel.open(StandardProtocolFamily.UNIX)
        .bind(UnixDomainSocketAddress.of(path));
  }

  private static void start(String name, Runnable body) {
    Thread.ofPlatform().name(name).daemon().start(body);
  }

  /** What is typed goes to {@code uart} from now on, with the platform's lock held. */
  void connect(Uart16550 uart, ReentrantLock platform) {
    if (server.isPresent()) {
      start("console-accept", () -> acceptClients(server.get(), uart, platform));
    }
    input.ifPresent(in -> start("console-input", () -> readInput(in, uart, platform)));
  }

  @Override
  public void sent(int octet) {
    buffering.lock();
    try {
      if (count < BUFFER_BYTES) {
        buffer[(first + count++) % BUFFER_BYTES] = (byte) octet;
        filled.signal();
      }
    } finally {
      buffering.unlock();
    }
  }

  private void writeOutput() {
    byte[] part = new byte[4096];
    while (true) {
      int length = take(part);
      if (length < 0) {
        return;
      }
      Optional<OutputStream> out = output;
      if (out.isPresent()) {
        try {
          out.get().write(part, 0, length);
          out.get().flush();
        } catch (IOException e) {
          LOG.debug("the console's reader has gone", e);
          output = Optional.empty();
        }
      }
    }
  }

  private int take(byte[] part) {
    buffering.lock();
    try {
      while (count == 0 && !closed) {
        filled.awaitUninterruptibly();
      }
      if (count == 0) {
        return -1;
      }
      int length = Math.min(part.length, count);
      for (int at = 0; at < length; at++) {
        part[at] = buffer[(first + at) % BUFFER_BYTES];
      }
      first = (first + length) % BUFFER_BYTES;
      count -= length;
      return length;
    } finally {
      buffering.unlock();
    }
  }

  private void acceptClients(ServerSocketChannel listener, Uart16550 uart, ReentrantLock platform) {
    while (listener.isOpen()) {
      try (SocketChannel client = listener.accept()) {
        output = Optional.of(Channels.newOutputStream(client));
        readInput(Channels.newInputStream(client), uart, platform);
      } catch (IOException e) {
        LOG.debug("a console client has gone", e);
      }
    }
  }

  private static void readInput(InputStream in, Uart16550 uart, ReentrantLock platform) {
    try {
      for (int octet = in.read(); octet >= 0; octet = in.read()) {
        while (!offer(octet, uart, platform)) {
          Thread.sleep(INPUT_RETRY_MILLIS);
        }
      }
    } catch (IOException e) {
      LOG.debug("console input ended", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean offer(int octet, Uart16550 uart, ReentrantLock platform) {
    platform.lock();
    try {
      if (uart.room() == 0) {
        return false;
      }
      uart.receive(octet);
      return true;
    } finally {
      platform.unlock();
    }
  }

  @Override
  public void close() {
    buffering.lock();
    try {
      closed = true;
      filled.signalAll();
    } finally {
      buffering.unlock();
    }
    server.ifPresent(SerialConsole::closeQuietly);
  }

  private static void closeQuietly(ServerSocketChannel listener) {
    try {
      listener.close();
    } catch (IOException e) {
      LOG.debug("console socket", e);
    }
  }
}
