package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Owns one open file descriptor. Whoever holds this object closes it; a number taken from it must
 * not outlive it.
 */
public final class FileDescriptor implements AutoCloseable {
  private final int number;
  private final String what;
  private final AtomicBoolean closed = new AtomicBoolean();

  private FileDescriptor(int number, String what) {
    this.number = number;
    this.what = what;
  }

  /** Both ends of a pipe. */
  public record Pipe(FileDescriptor reader, FileDescriptor writer) {}

  /**
   * Opens an existing file close-on-exec.
   *
   * @throws NativeException with the path
   */
  public static FileDescriptor open(String path, int flags) {
    return of(Libc.open(path, flags | Libc.O_CLOEXEC, 0), path, "open " + path);
  }

  /** Takes ownership of a number that a system call returned; {@code what} names it in errors. */
  public static FileDescriptor adopt(int number, String what) {
    if (number < 0) {
      throw new IllegalArgumentException("not a file descriptor: " + number + " for " + what);
    }
    return new FileDescriptor(number, what);
  }

  /** As {@link #adopt}, but a negated errno becomes a {@link NativeException}. */
  public static FileDescriptor of(int numberOrNegatedErrno, String what, String attempted) {
    if (numberOrNegatedErrno < 0) {
      throw new NativeException(-numberOrNegatedErrno, attempted);
    }
    return new FileDescriptor(numberOrNegatedErrno, what);
  }

  /** A close-on-exec pipe. */
  public static Pipe pipe() {
    MemorySegment fds = ThreadScratch.segment();
    int result = Libc.pipe2(fds, Libc.O_CLOEXEC);
    if (result < 0) {
      throw new NativeException(-result, "pipe2");
    }
    return new Pipe(
        adopt(fds.get(JAVA_INT, 0), "pipe reader"), adopt(fds.get(JAVA_INT, 4), "pipe writer"));
  }

  /**
   * The number, for a system call.
   *
   * @throws IllegalStateException when it is closed
   */
  public int number() {
    if (closed.get()) {
      throw new IllegalStateException(what + " (fd " + number + ") is closed");
    }
    return number;
  }

  /** What it is, for error texts. */
  public String what() {
    return what;
  }

  /** A second descriptor of the same open file, close-on-exec. */
  public FileDescriptor duplicate() {
    return of(Libc.fcntl(number(), Libc.F_DUPFD_CLOEXEC, 0), what, "dup of " + what);
  }

  /** Sets or clears O_NONBLOCK. */
  public void nonBlocking(boolean on) {
    int flags = Libc.fcntl(number(), Libc.F_GETFL, 0);
    int result =
        flags < 0
            ? flags
            : Libc.fcntl(
                number(), Libc.F_SETFL, on ? flags | Libc.O_NONBLOCK : flags & ~Libc.O_NONBLOCK);
    if (result < 0) {
      throw new NativeException(-result, "set O_NONBLOCK=" + on + " of " + what);
    }
  }

  public boolean isClosed() {
    return closed.get();
  }

  /** Closes it once; later calls do nothing. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      Libc.close(number);
    }
  }

  @Override
  public String toString() {
    return what + " (fd " + number + (closed.get() ? ", closed)" : ")");
  }
}
