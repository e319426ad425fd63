package dev.here.ffi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
  private static final Downcall LIBC = Downcall.libc();
  private static final NativeFunction SETPRIORITY = LIBC.function("setpriority");
  private static final NativeFunction GETEUID = LIBC.function("geteuid");

  private ProcessPriority() {}

  /**
   * Words that start a program in a session of its own, which gives way to all others; none before
   * it where this process may not take that back with {@link #restore}.
   */
  public static List<String> lowered() {
    if (GETEUID.value() != 0) {
      return List.of("setsid");
    }
    String script =
        "[ ! -w /proc/self/autogroup ] || echo %1$d >/proc/self/autogroup; exec nice -n %1$d \"$@\""
            .formatted(LOWEST);
    return List.of("setsid", "sh", "-c", script, "lowered");
  }

  /**
   * Gives a process that leads its session the usual priority.
   *
   * @return false when it has ended, or this process may not
   */
  public static boolean restore(long pid) {
    Path process = Path.of("/proc", Long.toString(pid));
    try (Stream<Path> threads = Files.list(process.resolve("task"))) {
      Path autogroup = process.resolve("autogroup");
      if (Files.isWritable(autogroup)) {
        Files.writeString(autogroup, "0");
      }
      return threads.allMatch(thread -> restoreThread(thread));
    } catch (IOException e) {
      return false;
    }
  }

  /** A thread may end meanwhile. */
  private static boolean restoreThread(Path thread) {
    int tid = Integer.parseInt(thread.getFileName().toString());
    int result = SETPRIORITY.callInt(PRIO_PROCESS, tid, 0);
    return result == 0 || result == -Errno.ESRCH;
  }
}
