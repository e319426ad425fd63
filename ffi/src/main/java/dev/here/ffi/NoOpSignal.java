package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * A signal that does nothing but make a system call return EINTR.
 *
 * <p>Its handler is native: the address of getppid(2), which is async-signal-safe
 * (signal-safety(7)) and has no effect; Java code must never run as a signal handler. Signal 40 is
 * real-time and free: glibc keeps 32 and 33, HotSpot uses SIGUSR2 and the ordinary ones, java.nio
 * SIGRTMAX-2 (62).
 */
public final class NoOpSignal {
  /** The signal's number. */
  public static final int NUMBER = 40;

  static final StructLayout SIGACTION =
      MemoryLayout.structLayout(
              JAVA_LONG.withName("sa_handler"),
              MemoryLayout.sequenceLayout(16, JAVA_LONG).withName("sa_mask"),
              JAVA_INT.withName("sa_flags"),
              MemoryLayout.paddingLayout(4),
              JAVA_LONG.withName("sa_restorer"))
          .withName("struct sigaction");

  private static final int SIG_UNBLOCK = 1;
  private static final int SA_ONSTACK = 0x08000000;
  private static final Downcall LIBC = Downcall.libc();
  private static final NativeFunction SET_ACTION = LIBC.function("sigaction");
  private static final NativeFunction SIGMASK = LIBC.function("pthread_sigmask");

  private NoOpSignal() {}

  private static final class Installed {
    static final boolean DONE = install();

    private static boolean install() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment action = arena.allocate(SIGACTION);
        action.set(JAVA_LONG, 0, LIBC.address("getppid").address());
        // No SA_RESTART: the interrupted call must return.
        action.set(
            JAVA_INT,
            SIGACTION.byteOffset(MemoryLayout.PathElement.groupElement("sa_flags")),
            SA_ONSTACK);
        int result = SET_ACTION.callInt(NUMBER, action.address(), 0);
        if (result < 0) {
          throw new NativeException(-result, "sigaction of signal " + NUMBER);
        }
        return true;
      }
    }
  }

  /**
   * Installs the handler for the process (once) and lets the calling thread receive the signal. A
   * thread must call this before another sends it the signal: the default action ends the process.
   */
  public static void prepareThread() {
    if (!Installed.DONE) {
      throw new IllegalStateException("signal " + NUMBER + " has no handler");
    }
    MemorySegment set = ThreadScratch.zeroed(128);
    set.set(JAVA_LONG, 0, 1L << (NUMBER - 1));
    int result = SIGMASK.value(SIG_UNBLOCK, set.address(), 0);
    if (result != 0) {
      throw new NativeException(result, "unblock signal " + NUMBER);
    }
  }
}
