package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Waits for many descriptors at once (epoll(7)); waiting allocates nothing. One thread waits; any
 * thread may add and remove.
 */
public final class Epoll implements AutoCloseable {
  public static final int EPOLLIN = 1;
  public static final int EPOLLOUT = 4;
  public static final int EPOLLERR = 8;
  public static final int EPOLLHUP = 16;

  static final int EPOLL_CTL_ADD = 1;
  static final int EPOLL_CTL_DEL = 2;
  static final int EPOLL_CTL_MOD = 3;
  static final int EPOLL_CLOEXEC = 0x80000;

  /** struct epoll_event is packed on x86-64: events, then 64 bits of data. */
  private static final long EVENT_BYTES = 12;

  private static final Downcall LIBC = Downcall.libc();
  private static final NativeFunction CREATE = LIBC.function("epoll_create1");
  private static final NativeFunction CONTROL = LIBC.function("epoll_ctl");
  private static final NativeFunction WAIT = LIBC.function("epoll_wait");

  private final FileDescriptor descriptor;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment events;
  private final int maxEvents;

  private Epoll(FileDescriptor descriptor, int maxEvents) {
    this.descriptor = descriptor;
    this.maxEvents = maxEvents;
    this.events = arena.allocate(EVENT_BYTES * maxEvents, 8);
  }

  /**
   * Creates an empty set.
   *
   * @param maxEvents how many one {@link #await} can report
   */
  public static Epoll create(int maxEvents) {
    int fd = CREATE.callInt(EPOLL_CLOEXEC);
    return new Epoll(FileDescriptor.of(fd, "epoll", "epoll_create1"), maxEvents);
  }

  /**
   * Watches a descriptor.
   *
   * @param events EPOLL bits
   * @param token comes back with its events
   */
  public void add(FileDescriptor watched, int events, long token) {
    control(EPOLL_CTL_ADD, watched, events, token);
  }

  /** Changes what is watched. */
  public void modify(FileDescriptor watched, int events, long token) {
    control(EPOLL_CTL_MOD, watched, events, token);
  }

  /** Watches it no longer; call before it is closed. */
  public void remove(FileDescriptor watched) {
    control(EPOLL_CTL_DEL, watched, 0, 0);
  }

  private void control(int operation, FileDescriptor watched, int events, long token) {
    MemorySegment event = ThreadScratch.segment();
    event.set(JAVA_INT, 0, events);
    event.set(JAVA_LONG_UNALIGNED, 4, token);
    int result = CONTROL.callInt(descriptor.number(), operation, watched.number(), event.address());
    if (result < 0) {
      throw new NativeException(-result, "epoll_ctl %d of %s".formatted(operation, watched));
    }
  }

  /**
   * Waits.
   *
   * @param timeoutMillis -1 waits for ever
   * @return how many are ready; 0 after the time-out or a signal to this thread
   */
  public int await(int timeoutMillis) {
    int result =
        WAIT.callInt(descriptor.number(), NativeFunction.pointer(events), maxEvents, timeoutMillis);
    if (result < 0 && result != -Errno.EINTR) {
      throw new NativeException(-result, "epoll_wait");
    }
    return Math.max(result, 0);
  }

  /** Token of a ready descriptor, by its place in the last {@link #await}. */
  public long token(int index) {
    return events.get(JAVA_LONG_UNALIGNED, index * EVENT_BYTES + 4);
  }

  /** EPOLL bits of a ready descriptor, by its place in the last {@link #await}. */
  public int events(int index) {
    return events.get(JAVA_INT_UNALIGNED, index * EVENT_BYTES);
  }

  @Override
  public void close() {
    descriptor.close();
    arena.close();
  }
}
