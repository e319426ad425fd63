package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

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
  private static final NativeFunction GETTID = LIBC.function("gettid");
  private static final NativeFunction GETPID = LIBC.function("getpid");
  private static final NativeFunction GETPPID = LIBC.function("getppid");
  private static final NativeFunction TGKILL = LIBC.function("tgkill");
  private static final NativeFunction PRCTL = LIBC.function("prctl");
  private static final NativeFunction SETAFFINITY = LIBC.function("sched_setaffinity");
  private static final NativeFunction SETSCHEDULER = LIBC.function("sched_setscheduler");
  private static final NativeFunction GETSCHEDULER = LIBC.function("sched_getscheduler");
  private static final NativeFunction GETPARAM = LIBC.function("sched_getparam");
  private static final NativeFunction SETNS = LIBC.function("setns");
  private static final NativeFunction UNSHARE = LIBC.function("unshare");

  private Threads() {}

  /** The kernel's id of the calling platform thread. */
  public static int tid() {
    return GETTID.value();
  }

  public static int pid() {
    return GETPID.value();
  }

  public static int parentPid() {
    return GETPPID.value();
  }

  /** Sends a signal to one thread of this process; 0 or the negated errno (ESRCH: it has ended). */
  public static int signal(int tid, int signal) {
    return TGKILL.callInt(pid(), tid, signal);
  }

  /**
   * Makes the kernel kill this process when the thread that started it ends (prctl(2),
   * PR_SET_PDEATHSIG). If the parent has gone meanwhile the signal never comes, so the caller gives
   * the parent's id it expects.
   *
   * @return false when the parent is another already: end now
   */
  public static boolean dieWithParent(int expectedParentPid) {
    int result = PRCTL.callInt(PR_SET_PDEATHSIG, SIGKILL);
    if (result < 0) {
      throw new NativeException(-result, "prctl PR_SET_PDEATHSIG");
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
    int result = SETAFFINITY.callInt(0, CPU_SET_BYTES, set.address());
    if (result < 0) {
      throw new NativeException(-result, "bind thread " + tid() + " to CPU " + cpu);
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
    int policy = priority == 0 ? SCHED_OTHER : SCHED_FIFO;
    return SETSCHEDULER.callInt(tid, policy, parameter.address());
  }

  /** Whether a thread, of whatever process, has the usual policy; false when it has ended. */
  public static boolean hasUsualPolicy(int tid) {
    return GETSCHEDULER.value(tid, 0, 0) == SCHED_OTHER;
  }

  /** A thread's priority as {@link #schedule} gives it, 0 without one, or the negated errno. */
  public static int priority(int tid) {
    MemorySegment parameter = ThreadScratch.zeroed(SCHED_PARAM_BYTES);
    int result = GETPARAM.callInt(tid, parameter.address());
    return result == 0 ? parameter.get(JAVA_INT, 0) : result;
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
      int result = SETNS.callInt(namespace.number(), CLONE_NEWNET);
      if (result < 0) {
        throw new NativeException(-result, "enter the network namespace " + path);
      }
    }
  }

  /**
   * Moves the calling platform thread, and nothing else of this process, to a new network namespace
   * (unshare(2)), which ends with its last thread and socket. Needs CAP_SYS_ADMIN.
   *
   * @throws NativeException when this process may not
   */
  public static void enterOwnNetwork() {
    int result = UNSHARE.callInt(CLONE_NEWNET);
    if (result < 0) {
      throw new NativeException(-result, "make a network namespace");
    }
  }
}
