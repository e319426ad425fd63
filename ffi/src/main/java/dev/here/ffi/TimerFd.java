package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * Owns a timer of {@link Clock#MONOTONIC} that becomes readable when it is due (timerfd_create(2)).
 */
public final class TimerFd implements AutoCloseable {
  private static final int CLOCK_MONOTONIC = 1;
  private static final int TFD_NONBLOCK = 0x800;
  private static final int TFD_CLOEXEC = 0x80000;
  private static final int TFD_TIMER_ABSTIME = 1;
  private static final long NANOS = 1_000_000_000L;

  private static final Downcall LIBC = Downcall.libc();
  private static final NativeFunction CREATE = LIBC.function("timerfd_create");
  private static final NativeFunction SETTIME = LIBC.function("timerfd_settime");

  private final FileDescriptor descriptor;

  private TimerFd(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  /** A timer that isn't started. */
  public static TimerFd create() {
    int fd = CREATE.callInt(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return new TimerFd(FileDescriptor.of(fd, "timerfd", "timerfd_create"));
  }

  /** Makes it due once, at this time of {@link Clock#MONOTONIC} (at once when that has passed). */
  public void startAt(long monotonicNanos) {
    // A time of 0 would stop the timer.
    set(Math.max(monotonicNanos, 1));
  }

  /** Makes it not due until it is started again. */
  public void stop() {
    set(0);
  }

  private void set(long nanos) {
    MemorySegment spec = ThreadScratch.segment();
    spec.set(JAVA_LONG, 0, 0);
    spec.set(JAVA_LONG, 8, 0);
    spec.set(JAVA_LONG, 16, nanos / NANOS);
    spec.set(JAVA_LONG, 24, nanos % NANOS);
    int result = SETTIME.callInt(descriptor.number(), TFD_TIMER_ABSTIME, spec.address(), 0);
    if (result < 0) {
      throw new NativeException(-result, "timerfd_settime to " + nanos);
    }
  }

  /** How often it was due since the last call; 0 when it wasn't. */
  public long drain() {
    MemorySegment scratch = ThreadScratch.segment();
    long result = Libc.read(descriptor.number(), scratch.address(), 8);
    if (result == 8) {
      return scratch.get(JAVA_LONG, 0);
    }
    if (result == -Errno.EAGAIN || result == -Errno.EINTR) {
      return 0;
    }
    throw new NativeException((int) -result, "read " + descriptor);
  }

  public FileDescriptor descriptor() {
    return descriptor;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
