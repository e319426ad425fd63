package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/** Owns an eventfd (eventfd(2)): a counter that can be added to, waited for and given to KVM. */
public final class EventFd implements AutoCloseable {
  private static final int EFD_NONBLOCK = 0x800;
  private static final int EFD_CLOEXEC = 0x80000;
  private static final NativeFunction EVENTFD = Downcall.libc().function("eventfd");

  private final FileDescriptor descriptor;

  private EventFd(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  /** A non-blocking eventfd with counter 0. */
  public static EventFd create() {
    int fd = EVENTFD.callInt(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return new EventFd(FileDescriptor.of(fd, "eventfd", "eventfd"));
  }

  /** Adds 1 to the counter. Never blocks: a full counter is as good as a signalled one. */
  public void signal() {
    MemorySegment scratch = ThreadScratch.segment();
    scratch.set(JAVA_LONG, 0, 1);
    long result = Libc.write(descriptor.number(), scratch.address(), 8);
    if (result < 0 && result != -Errno.EAGAIN) {
      throw new NativeException((int) -result, "signal " + descriptor);
    }
  }

  /** The counter, which becomes 0; 0 when nothing was signalled. */
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

  /**
   * Waits until it is signalled and drains it.
   *
   * @param timeoutMillis -1 waits for ever
   * @return the counter; 0 after the time-out or a signal to this thread
   */
  public long await(int timeoutMillis) {
    int ready = Libc.pollOne(descriptor.number(), Libc.POLLIN, timeoutMillis);
    return ready > 0 ? drain() : 0;
  }

  public FileDescriptor descriptor() {
    return descriptor;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
