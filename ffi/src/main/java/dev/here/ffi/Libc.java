package dev.here.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * System calls on file descriptors.
 *
 * <p>Every method returns what the call returned, or the negated errno: nothing is thrown or
 * allocated, so hot paths may use them. {@link FileDescriptor} and the owners beside it turn
 * failures into {@link NativeException}.
 */
public final class Libc {
  public static final int O_RDONLY = 0;
  public static final int O_WRONLY = 1;
  public static final int O_RDWR = 2;
  public static final int O_NONBLOCK = 0x800;
  public static final int O_CLOEXEC = 0x80000;
  public static final int F_DUPFD_CLOEXEC = 1030;
  public static final int F_GETFL = 3;
  public static final int F_SETFL = 4;
  public static final int F_SETPIPE_SZ = 1031;
  public static final int POLLIN = 1;
  public static final int POLLOUT = 4;
  public static final int POLLERR = 8;
  public static final int POLLHUP = 16;

  private static final Downcall LIBC = Downcall.libc();
  private static final MethodHandle OPEN =
      LIBC.capturingVariadic(
          "open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), 2);
  private static final MethodHandle CLOSE =
      LIBC.capturing("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle READ =
      LIBC.capturing("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle WRITE =
      LIBC.capturing("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle READV =
      LIBC.capturing("readv", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle WRITEV =
      LIBC.capturing("writev", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle PREAD =
      LIBC.capturing(
          "pread", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle PWRITE =
      LIBC.capturing(
          "pwrite", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle IOCTL =
      LIBC.capturingVariadic(
          "ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG), 2);
  private static final MethodHandle IOCTL_POINTER =
      LIBC.capturingVariadic(
          "ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), 2);
  private static final MethodHandle FCNTL =
      LIBC.capturingVariadic(
          "fcntl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG), 2);
  private static final MethodHandle MKFIFO =
      LIBC.capturing("mkfifo", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle FTRUNCATE =
      LIBC.capturing("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle LSEEK =
      LIBC.capturing("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  private static final MethodHandle FDATASYNC =
      LIBC.capturing("fdatasync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle PIPE2 =
      LIBC.capturing("pipe2", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle POLL =
      LIBC.capturing("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

  private Libc() {}

  /** open(2); {@code mode} counts only when {@code flags} create a file. */
  public static int open(String path, int flags, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = Errno.capture();
      int fd = (int) OPEN.invokeExact(capture, arena.allocateFrom(path), flags, mode);
      return Errno.resultOrNegated(fd, capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** mkfifo(3). */
  public static int mkfifo(String path, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = Errno.capture();
      int result = (int) MKFIFO.invokeExact(capture, arena.allocateFrom(path), mode);
      return Errno.resultOrNegated(result, capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** close(2). After EINTR the descriptor is closed all the same on Linux. */
  public static int close(int fd) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((int) CLOSE.invokeExact(capture, fd), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** read(2) into native memory at an address that the caller keeps alive. */
  public static long read(int fd, long address, long sizeBytes) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (long) READ.invokeExact(capture, fd, address, sizeBytes), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** write(2) from native memory at an address that the caller keeps alive. */
  public static long write(int fd, long address, long sizeBytes) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (long) WRITE.invokeExact(capture, fd, address, sizeBytes), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** readv(2); {@code iovecs} is an array of {@link Iovec}. */
  public static long readv(int fd, MemorySegment iovecs, int count) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((long) READV.invokeExact(capture, fd, iovecs, count), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** writev(2); {@code iovecs} is an array of {@link Iovec}. */
  public static long writev(int fd, MemorySegment iovecs, int count) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((long) WRITEV.invokeExact(capture, fd, iovecs, count), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** pread(2). */
  public static long pread(int fd, long address, long sizeBytes, long offset) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (long) PREAD.invokeExact(capture, fd, address, sizeBytes, offset), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** pwrite(2). */
  public static long pwrite(int fd, long address, long sizeBytes, long offset) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (long) PWRITE.invokeExact(capture, fd, address, sizeBytes, offset), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** ioctl(2) with an integer, or with an address that the caller keeps alive. */
  public static int ioctl(int fd, long request, long argument) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int) IOCTL.invokeExact(capture, fd, request, argument), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** ioctl(2) with a structure. */
  public static int ioctl(int fd, long request, MemorySegment argument) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int) IOCTL_POINTER.invokeExact(capture, fd, request, argument), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** fcntl(2) with an integer argument. */
  public static int fcntl(int fd, int command, long argument) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int) FCNTL.invokeExact(capture, fd, command, argument), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** ftruncate(2). */
  public static int ftruncate(int fd, long sizeBytes) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((int) FTRUNCATE.invokeExact(capture, fd, sizeBytes), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** The size of an open file or block device in bytes (lseek to its end; moves the offset). */
  public static long sizeBytes(int fd) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((long) LSEEK.invokeExact(capture, fd, 0L, 2), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** fdatasync(2). */
  public static int fdatasync(int fd) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((int) FDATASYNC.invokeExact(capture, fd), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** pipe2(2); {@code fds} receives two ints: the reading end, then the writing end. */
  public static int pipe2(MemorySegment fds, int flags) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((int) PIPE2.invokeExact(capture, fds, flags), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /**
   * poll(2); {@code pollfds} is an array of struct pollfd (int fd, short events, short revents).
   */
  public static int poll(MemorySegment pollfds, int count, int timeoutMillis) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated(
          (int) POLL.invokeExact(capture, pollfds, (long) count, timeoutMillis), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /**
   * Waits for one descriptor without allocating.
   *
   * @param events {@link #POLLIN} and {@link #POLLOUT}
   * @return the ready events, 0 after the time-out, or the negated errno (EINTR is possible)
   */
  public static int pollOne(int fd, int events, int timeoutMillis) {
    MemorySegment pollfd = ThreadScratch.segment();
    pollfd.set(JAVA_INT, 0, fd);
    pollfd.set(JAVA_SHORT, 4, (short) events);
    pollfd.set(JAVA_SHORT, 6, (short) 0);
    int ready = poll(pollfd, 1, timeoutMillis);
    return ready <= 0 ? ready : pollfd.get(JAVA_SHORT, 6) & 0xffff;
  }
}
