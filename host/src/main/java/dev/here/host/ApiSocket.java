package dev.here.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.LocalConnector;
import org.eclipse.jetty.server.Server;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * HTTP/1.1 on a Unix socket: one request a connection, parsed and answered by Jetty. Only the
 * socket file's owner may connect.
 */
final class ApiSocket implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ApiSocket.class);
  private static final long ANSWER_SECONDS = 300;
  private static final long AGAIN_NANOS = 100_000_000;

  private final Path path;
  private final Server server = new Server();
  private final LocalConnector http = new LocalConnector(server);
  private final ServerSocketChannel listener;

  /** Listens at {@code path}; a socket file that was left there is replaced. */
  ApiSocket(Path path, Handler handler) {
    this.path = path;
    server.addConnector(http);
    server.setHandler(handler);
    try {
      Files.createDirectories(path.toAbsolutePath().getParent());
      Files.deleteIfExists(path);
      listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      listener.bind(UnixDomainSocketAddress.of(path));
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
      server.start();
    } catch (Exception e) {
      throw new HostException("cannot serve the API at " + path + ": " + e.getMessage(), e);
    }
    Thread.ofVirtual().name("api-accept").start(this::accept);
  }

  private void accept() {
    while (listener.isOpen()) {
      try {
        SocketChannel connection = listener.accept();
        Thread.ofVirtual().name("api-request").start(() -> serve(connection));
      } catch (AsynchronousCloseException e) {
        return;
      } catch (IOException | RuntimeException e) {
        // Out of file descriptors, for example, which passes.
        LOG.warn("api: cannot accept at {}: {}", path, e.getMessage());
        LockSupport.parkNanos(AGAIN_NANOS);
      }
    }
  }

  private void serve(SocketChannel connection) {
    try (connection) {
      ByteBuffer request = HttpText.readMessage(connection);
      ByteBuffer response = http.getResponse(request, ANSWER_SECONDS, TimeUnit.SECONDS);
      while (response != null && response.hasRemaining()) {
        connection.write(response);
      }
    } catch (Exception e) {
      LOG.debug("api: request dropped", e);
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
      server.stop();
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (Exception e) {
      throw new HostException("the API at " + path + " did not stop", e);
    }
  }
}
