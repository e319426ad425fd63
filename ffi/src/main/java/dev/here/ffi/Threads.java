package dev.here.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The operating system's view of threads: ids, signals to one of them, and this process's death.
 */
public final class Threads {
  private static final int PR_SET_PDEATHSIG = 1;
  private static final int SIGKILL = 9;
  private static final long CPU_SET_BYTES = 128;

  /** Of struct sched_param: its only member is sched_priority. */
  static final long SCHED_PARAM_BYTES = 4;

  /** Scheduling policies (sched(7)). */
  static final int SCHED_OTHER = 0;

  static final int SCHED_FIFO = 1;

  /** From linux/sched.h. */
  private static final int CLONE_NEWNET = 0x4000_0000;

  private static final Downcall LIBC = Downcall.libc();
  private static final MethodHandle GETTID = LIBC.plain("gettid", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle GETPID = LIBC.plain("getpid", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle GETPPID =
      LIBC.plain("getppid", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle TGKILL =
      LIBC.capturing("tgkill", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle PRCTL =
      LIBC.capturingVariadic(
          "prctl",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
          1);
  private static final MethodHandle SETAFFINITY =
      LIBC.capturing(
          "sched_setaffinity", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
  private static final MethodHandle SETSCHEDULER =
      LIBC.capturing(
          "sched_setscheduler", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle GETSCHEDULER =
      LIBC.capturing("sched_getscheduler", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle GETPARAM =
      LIBC.capturing("sched_getparam", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle SETNS =
      LIBC.capturing("setns", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

  private Threads() {}

  /** The kernel's id of the calling platform thread. */
  public static int tid() {
    try {
      return (int) GETTID.invokeExact();
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  public static int pid() {
    try {
      return (int) GETPID.invokeExact();
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  public static int parentPid() {
    try {
      return (int) GETPPID.invokeExact();
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** Sends a signal to one thread of this process; 0 or the negated errno (ESRCH: it has ended). */
  public static int signal(int tid, int signal) {
    MemorySegment capture = Errno.capture();
    try {
      return Errno.resultOrNegated((int) TGKILL.invokeExact(capture, pid(), tid, signal), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /**
   * Makes the kernel kill this process when the thread that started it ends (prctl(2),
   * PR_SET_PDEATHSIG). If the parent has gone meanwhile the signal never comes, so the caller gives
   * the parent's id it expects.
   *
   * @return false when the parent is another already: end now
   */
  public static boolean dieWithParent(int expectedParentPid) {
    MemorySegment capture = Errno.capture();
    int result;
    try {
      result = (int) PRCTL.invokeExact(capture, PR_SET_PDEATHSIG, (long) SIGKILL, 0L, 0L, 0L);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
    if (result < 0) {
      throw new NativeException(Errno.of(capture), "prctl PR_SET_PDEATHSIG");
    }
    return parentPid() == expectedParentPid;
  }

  /** Binds the calling platform thread to one CPU of the host. */
  public static void bindToCpu(int cpu) {
    if (cpu < 0 || cpu >= CPU_SET_BYTES * 8) {
      throw new IllegalArgumentException("CPU " + cpu + " is not in 0.." + (CPU_SET_BYTES * 8 - 1));
    }
    MemorySegment set = ThreadScratch.zeroed(CPU_SET_BYTES);
    set.set(JAVA_LONG, cpu / 64 * 8L, 1L << cpu);
    MemorySegment capture = Errno.capture();
    int result;
    try {
      result = (int) SETAFFINITY.invokeExact(capture, 0, CPU_SET_BYTES, set);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
    if (result < 0) {
      throw new NativeException(Errno.of(capture), "bind thread " + tid() + " to CPU " + cpu);
    }
  }

  /**
   * Lets a thread, of whatever process, go before all that have the usual policy (sched(7),
   * SCHED_FIFO), or gives it the usual policy back.
   *
   * @param tid the kernel's id; 0 for the calling platform thread
   * @param priority 1 to 99; 0 for the usual policy
   * @return 0 or the negated errno (ESRCH: it has ended; EPERM: this process may not)
   */
  public static int schedule(int tid, int priority) {
    MemorySegment parameter = ThreadScratch.zeroed(SCHED_PARAM_BYTES);
    parameter.set(JAVA_INT, 0, priority);
    MemorySegment capture = Errno.capture();
    try {
      int policy = priority == 0 ? SCHED_OTHER : SCHED_FIFO;
      return Errno.resultOrNegated(
          (int) SETSCHEDULER.invokeExact(capture, tid, policy, parameter), capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** Whether a thread, of whatever process, has the usual policy; false when it has ended. */
  public static boolean hasUsualPolicy(int tid) {
    MemorySegment capture = Errno.capture();
    try {
      return (int) GETSCHEDULER.invokeExact(capture, tid) == SCHED_OTHER;
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /** A thread's priority as {@link #schedule} gives it, 0 without one, or the negated errno. */
  public static int priority(int tid) {
    MemorySegment parameter = ThreadScratch.zeroed(SCHED_PARAM_BYTES);
    MemorySegment capture = Errno.capture();
    try {
      int result = (int) GETPARAM.invokeExact(capture, tid, parameter);
      return result == 0 ? parameter.get(JAVA_INT, 0) : Errno.resultOrNegated(result, capture);
    } catch (Throwable t) {
      throw Downcall.unexpected(t);
    }
  }

  /**
   * Moves the calling platform thread, and nothing else of this process, to the network namespace
   * of another process (setns(2)). The sockets that the thread makes from then on stay there,
   * whoever uses them.
   *
   * @throws NativeException when the process has ended, or this one may not
   */
  public static void enterNetworkOf(long pid) {
    String path = "/proc/" + pid + "/ns/net";
    try (FileDescriptor namespace = FileDescriptor.open(path, Libc.O_RDONLY)) {
      MemorySegment capture = Errno.capture();
      int result;
      try {
        result = (int) SETNS.invokeExact(capture, namespace.number(), CLONE_NEWNET);
      } catch (Throwable t) {
        throw Downcall.unexpected(t);
      }
      if (result < 0) {
        throw new NativeException(Errno.of(capture), "enter the network namespace " + path);
      }
    }
  }
}
