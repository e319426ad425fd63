package dev.here.ffi;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * The reading end of a named pipe (fifo(7)), for one message: it begins when a writer opens the
 * pipe and ends when that one closes it. A writer stands still while the pipe is full, so a small
 * pipe stops it until its message is taken. Used by one thread.
 */
public final class NamedPipe implements AutoCloseable {
  private static final int OWNER_ONLY = 0600;

  private final FileDescriptor reader;

  private NamedPipe(FileDescriptor reader) {
    this.reader = reader;
  }

  /**
   * Makes the file.
   *
   * @throws NativeException when it exists already or cannot be made
   */
  public static void create(Path path) {
    int result = Libc.mkfifo(path.toString(), OWNER_ONLY);
    if (result < 0) {
      throw new NativeException(-result, "make the named pipe " + path);
    }
  }

  /**
   * Opens the reading end, whether or not there is a writer.
   *
   * @param capacityBytes what a writer can put in without being read; the kernel rounds it up to a
   *     page
   */
  public static NamedPipe open(Path path, int capacityBytes) {
    var pipe = new NamedPipe(FileDescriptor.open(path.toString(), Libc.O_RDONLY | Libc.O_NONBLOCK));
    try {
      pipe.capacity(capacityBytes);
      return pipe;
    } catch (NativeException e) {
      pipe.close();
      throw e;
    }
  }

  private void capacity(int bytes) {
    int result = Libc.fcntl(reader.number(), Libc.F_SETPIPE_SZ, bytes);
    if (result < 0) {
      throw new NativeException(-result, "give %s %d octets".formatted(reader.what(), bytes));
    }
  }

  /** Waits until there is something to read, or the writer has gone; false when neither came. */
  public boolean awaitData(int timeoutMillis) {
    int ready = Libc.pollOne(reader.number(), Libc.POLLIN, timeoutMillis);
    if (ready < 0 && -ready != Errno.EINTR) {
      throw new NativeException(-ready, "wait for " + reader.what());
    }
    return ready > 0;
  }

  /**
   * Lets a writer that stands still go on, with room for a whole message: it ends without being
   * read.
   *
   * @param capacityBytes the kernel rounds it up
   */
  public void widen(int capacityBytes) {
    capacity(capacityBytes);
  }

  /**
   * Reads to the end of the message.
   *
   * @param buffer a message that does not fit is refused
   * @param timeoutMillis longest wait for the writer
   * @return the message's octets, at the buffer's beginning
   * @throws NativeException when the writer does not go on, or writes too much
   */
  public int readAll(MemorySegment buffer, int timeoutMillis) {
    long size = 0;
    while (true) {
      long got = Libc.read(reader.number(), buffer.address() + size, buffer.byteSize() - size);
      if (got == 0) {
        if (size == buffer.byteSize()) {
          throw new NativeException(Errno.EMSGSIZE, "read all of " + reader.what());
        }
        return (int) size;
      } else if (got > 0) {
        size += got;
      } else if (-got == Errno.EAGAIN && !awaitData(timeoutMillis)) {
        throw new NativeException(Errno.ETIMEDOUT, "read all of " + reader.what());
      } else if (-got != Errno.EAGAIN && -got != Errno.EINTR) {
        throw new NativeException((int) -got, "read " + reader.what());
      }
    }
  }

  /** A writer that is not done gets EPIPE. */
  @Override
  public void close() {
    reader.close();
  }
}
