package dev.here.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

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
  private static final MethodHandle CREATE =
      LIBC.capturing("timerfd_create", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle SETTIME =
      LIBC.capturing(
          "timerfd_settime", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));

  private final FileDescriptor descriptor;

  private TimerFd(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  /** A timer that isn't started. */
  public static TimerFd create() {
    MemorySegment capture = Errno.capture();
    int fd;
    try {
      fd =
          Errno.resultOrNegated(
              (int) CREATE.invokeExact(capture, CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
              capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
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
    MemorySegment capture = Errno.capture();
    int result;
    try {
      result =
          (int)
              SETTIME.invokeExact(
                  capture, descriptor.number(), TFD_TIMER_ABSTIME, spec, MemorySegment.NULL);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
    if (result < 0) {
      throw new NativeException(Errno.of(capture), "timerfd_settime to " + nanos);
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
