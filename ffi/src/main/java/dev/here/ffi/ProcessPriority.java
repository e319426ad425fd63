package dev.here.ffi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;

/**
 * How a whole process stands against others where processors are short: nice(1) for each of its
 * threads, and, where the kernel keeps sessions apart (sched(7), "The autogroup feature"), the nice
 * value of its session, which alone counts against other sessions.
 */
public final class ProcessPriority {
  /** The value that gives way to all others. */
  public static final int LOWEST = 19;

  private static final int PRIO_PROCESS = 0;

  /** Bits of linux/capability.h: to raise a nice value again, and that of a session at any time. */
  private static final long NEEDED = 1L << 23 | 1L << 21;

  private static final NativeFunction SETPRIORITY = Downcall.libc().function("setpriority");
  private static final NativeFunction GETSID = Downcall.libc().function("getsid");

  private ProcessPriority() {}

  /** Whether this process may give others back what {@link #lowered} takes from them. */
  public static boolean mayRestore() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      return lines
          .filter(line -> line.startsWith("CapEff:"))
          .anyMatch(
              line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & NEEDED) == NEEDED);
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Words that start a program in a session of its own, which gives way to all others; the program
   * calls {@link #restoreOwn} when it is needed. Only the session is its own where this process may
   * not restore.
   */
  public static List<String> lowered() {
    if (!mayRestore()) {
      return List.of("setsid");
    }
    return List.of("setsid", "sh", "-c", loweringScript(LOWEST), "lowered");
  }

  /**
   * A script for sh(1), without single quotes, that gives itself and its session a low priority and
   * becomes the program in its arguments; to be run in a session of its own.
   */
  public static String loweringScript(int nice) {
    return "[ ! -w /proc/self/autogroup ] || echo %1$d >/proc/self/autogroup; exec nice -n %1$d \"$@\""
        .formatted(nice);
  }

  /**
   * Lets this process, as it is at this moment, and what it starts give way to others, or go before
   * them, until {@link #restoreOwn}. Only where that will be possible.
   *
   * @param nice how much it gives way, up to {@link #LOWEST}; below 0 it goes before others, down
   *     to -20
   * @return whether it does
   */
  public static boolean setOwn(int nice) {
    if (!mayRestore()) {
      return false;
    }
    long pid = ProcessHandle.current().pid();
    // A session with other processes is not this one's to lower.
    if (set(pid, nice, GETSID.callInt(0) == pid)) {
      return true;
    }
    restore(pid);
    return false;
  }

  /**
   * Gives this process the usual priority.
   *
   * @return false when it keeps a lowered one
   */
  public static boolean restoreOwn() {
    return restore(ProcessHandle.current().pid());
  }

  /**
   * Gives a program that was started with {@link #lowered} the usual priority at once, before it is
   * its turn to do so itself.
   *
   * @return false when it has ended, or is still being started: it is in its own session and has
   *     its low priority a moment later
   */
  public static boolean restore(long pid) {
    return !mayRestore() || set(pid, 0, true);
  }

  /**
   * Lets the session of a process that is on its way out give way to all others, where the kernel
   * keeps sessions apart: to take a large process's memory back is not urgent.
   */
  public static void lowerSession(long pid) {
    try {
      setSession(Path.of("/proc", Long.toString(pid)), LOWEST);
    } catch (IOException e) {
      // It has ended meanwhile, or its session is not to be lowered: it has its share then.
    }
  }

  private static void setSession(Path process, int nice) throws IOException {
    Path autogroup = process.resolve("autogroup");
    if (Files.isWritable(autogroup)) {
      // EINVAL where it is still in the session that the kernel began with.
      Files.writeString(autogroup, Integer.toString(nice));
    }
  }

  private static boolean set(long pid, int nice, boolean session) {
    Path process = Path.of("/proc", Long.toString(pid));
    try {
      if (session) {
        setSession(process, nice);
      }
      return setThreads(process.resolve("task"), nice);
    } catch (IOException e) {
      return false;
    }
  }

  /** A thread has its nice value from the one that starts it, which may not have its own yet. */
  private static boolean setThreads(Path folder, int nice) throws IOException {
    var known = new HashSet<Path>();
    boolean more = true;
    while (more) {
      List<Path> fresh;
      try (Stream<Path> threads = Files.list(folder)) {
        fresh = threads.filter(known::add).toList();
      }
      for (Path thread : fresh) {
        if (!set(thread, nice)) {
          return false;
        }
      }
      more = !fresh.isEmpty();
    }
    return true;
  }

  /** A thread may end meanwhile. */
  private static boolean set(Path thread, int nice) {
    int tid = Integer.parseInt(thread.getFileName().toString());
    int result = SETPRIORITY.callInt(PRIO_PROCESS, tid, nice);
    return result == 0 || result == -Errno.ESRCH;
  }
}
