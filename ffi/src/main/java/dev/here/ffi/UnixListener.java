package dev.here.ffi;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A listening Unix stream socket. It removes its path when closed; who can reach it is decided by
 * the folder's permissions and {@link UnixSocket#peer()}.
 */
public final class UnixListener implements AutoCloseable {
  private static final int BACKLOG = 16;

  private final FileDescriptor descriptor;
  private final Path path;

  private UnixListener(FileDescriptor descriptor, Path path) {
    this.descriptor = descriptor;
    this.path = path;
  }

  /**
   * Listens at a path, which must not exist.
   *
   * @throws NativeException EADDRINUSE: another listens there, or a dead one left the path behind
   */
  public static UnixListener bind(Path path) {
    FileDescriptor descriptor = UnixSocket.newStream("listener at " + path);
    try {
      int result =
          Sockets.bind(
              descriptor.number(), UnixSocket.address(path.toString()), UnixSocket.addressBytes());
      if (result == 0) {
        result = Sockets.listen(descriptor.number(), BACKLOG);
      }
      if (result < 0) {
        throw new NativeException(-result, "listen at " + path);
      }
      return new UnixListener(descriptor, path);
    } catch (RuntimeException e) {
      descriptor.close();
      throw e;
    }
  }

  /**
   * As {@link #bind}, but a path that a dead process left behind is removed first.
   *
   * @throws NativeException EADDRINUSE when somebody does listen there
   */
  public static UnixListener bindOverStale(Path path) {
    if (Files.exists(path)) {
      try {
        UnixSocket.connect(path.toString()).close();
        throw new NativeException(
            Errno.EADDRINUSE, "listen at " + path, "another process listens there");
      } catch (NativeException e) {
        if (e.errno() != Errno.ECONNREFUSED) {
          throw e;
        }
        remove(path);
      }
    }
    return bind(path);
  }

  /**
   * Waits for a connection.
   *
   * @throws NativeException EINVAL after {@link #shutdown}
   */
  public UnixSocket accept() {
    int fd;
    do {
      fd = Sockets.accept(descriptor.number());
    } while (fd == -Errno.EINTR);
    return UnixSocket.adopt(FileDescriptor.of(fd, "connection at " + path, "accept at " + path));
  }

  /** Wakes a thread in {@link #accept}. */
  public void shutdown() {
    Sockets.shutdown(descriptor.number());
  }

  public Path path() {
    return path;
  }

  public FileDescriptor descriptor() {
    return descriptor;
  }

  private static void remove(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    descriptor.close();
    remove(path);
  }
}
