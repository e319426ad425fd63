package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

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
  public static final int O_CREAT = 0x40;
  public static final int O_EXCL = 0x80;
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
  private static final NativeFunction OPEN = LIBC.function("open");
  private static final NativeFunction CLOSE = LIBC.function("close");
  private static final NativeFunction READ = LIBC.function("read");
  private static final NativeFunction WRITE = LIBC.function("write");
  private static final NativeFunction READV = LIBC.function("readv");
  private static final NativeFunction WRITEV = LIBC.function("writev");
  private static final NativeFunction PREAD = LIBC.function("pread");
  private static final NativeFunction PWRITE = LIBC.function("pwrite");
  private static final NativeFunction IOCTL = LIBC.function("ioctl");
  private static final NativeFunction FCNTL = LIBC.function("fcntl");
  private static final NativeFunction MKFIFO = LIBC.function("mkfifo");
  private static final NativeFunction FTRUNCATE = LIBC.function("ftruncate");
  private static final NativeFunction FALLOCATE = LIBC.function("fallocate");
  private static final NativeFunction LSEEK = LIBC.function("lseek");
  private static final NativeFunction FDATASYNC = LIBC.function("fdatasync");
  private static final NativeFunction PIPE2 = LIBC.function("pipe2");
  private static final NativeFunction POLL = LIBC.function("poll");

  private Libc() {}

  /** open(2); {@code mode} counts only when {@code flags} create a file. */
  public static int open(String path, int flags, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      return OPEN.callInt(arena.allocateFrom(path).address(), flags, mode);
    }
  }

  /** mkfifo(3). */
  public static int mkfifo(String path, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      return MKFIFO.callInt(arena.allocateFrom(path).address(), mode);
    }
  }

  /** close(2). After EINTR the descriptor is closed all the same on Linux. */
  public static int close(int fd) {
    return CLOSE.callInt(fd);
  }

  /** read(2) into native memory at an address that the caller keeps alive. */
  public static long read(int fd, long address, long sizeBytes) {
    return READ.callLong(fd, address, sizeBytes);
  }

  /** write(2) from native memory at an address that the caller keeps alive. */
  public static long write(int fd, long address, long sizeBytes) {
    return WRITE.callLong(fd, address, sizeBytes);
  }

  /** readv(2); {@code iovecs} is an array of {@link Iovec}. */
  public static long readv(int fd, MemorySegment iovecs, int count) {
    return READV.callLong(fd, NativeFunction.pointer(iovecs), count);
  }

  /** writev(2); {@code iovecs} is an array of {@link Iovec}. */
  public static long writev(int fd, MemorySegment iovecs, int count) {
    return WRITEV.callLong(fd, NativeFunction.pointer(iovecs), count);
  }

  /** pread(2). */
  public static long pread(int fd, long address, long sizeBytes, long offset) {
    return PREAD.callLong(fd, address, sizeBytes, offset);
  }

  /** pwrite(2). */
  public static long pwrite(int fd, long address, long sizeBytes, long offset) {
    return PWRITE.callLong(fd, address, sizeBytes, offset);
  }

  /** ioctl(2) with an integer, or with an address that the caller keeps alive. */
  public static int ioctl(int fd, long request, long argument) {
    return IOCTL.callInt(fd, request, argument);
  }

  /** ioctl(2) with a structure. */
  public static int ioctl(int fd, long request, MemorySegment argument) {
    return IOCTL.callInt(fd, request, NativeFunction.pointer(argument));
  }

  /** fcntl(2) with an integer argument. */
  public static int fcntl(int fd, int command, long argument) {
    return FCNTL.callInt(fd, command, argument);
  }

  /** ftruncate(2). */
  public static int ftruncate(int fd, long sizeBytes) {
    return FTRUNCATE.callInt(fd, sizeBytes);
  }

  /** fallocate(2) of the whole file: takes its room and makes it as long. */
  public static int fallocate(int fd, long sizeBytes) {
    return FALLOCATE.callInt(fd, 0, 0L, sizeBytes);
  }

  /** The size of an open file or block device in bytes (lseek to its end; moves the offset). */
  public static long sizeBytes(int fd) {
    return LSEEK.callLong(fd, 0, 2);
  }

  /** fdatasync(2). */
  public static int fdatasync(int fd) {
    return FDATASYNC.callInt(fd);
  }

  /** pipe2(2); {@code fds} receives two ints: the reading end, then the writing end. */
  public static int pipe2(MemorySegment fds, int flags) {
    return PIPE2.callInt(NativeFunction.pointer(fds), flags);
  }

  /**
   * poll(2); {@code pollfds} is an array of struct pollfd (int fd, short events, short revents).
   */
  public static int poll(MemorySegment pollfds, int count, int timeoutMillis) {
    return POLL.callInt(NativeFunction.pointer(pollfds), count, timeoutMillis);
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
