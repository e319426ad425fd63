package dev.here.ffi;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * What the kernel says of a process or thread (proc(5), /proc/PID/stat).
 *
 * @param state one letter: R runs, S sleeps, D waits for a disk, T and t are stopped, Z and X have
 *     ended
 * @param threads that the process still has; a killed one's first thread may be a zombie while
 *     others still run
 * @param cpuNanos CPU time used so far by the program and by the kernel for it, in steps of 10 ms
 * @param flags bits PF_* of the kernel's include/linux/sched.h, of the first thread for a process
 * @param startTicks when it started, in steps of 10 ms since the machine's boot: no step of a clock
 *     changes it, and no program that it executes later
 */
public record ProcessStat(char state, int threads, long cpuNanos, long flags, long startTicks) {
  /** Nanoseconds in a clock tick of /proc's CPU times: USER_HZ is 100 on x86. */
  private static final long TICK_NANOS = 10_000_000L;

  /** Columns after the command in parentheses: state is 0. */
  private static final int FLAGS = 6;

  private static final int UTIME = 11;

  private static final int STIME = 12;
  private static final int NUM_THREADS = 17;
  private static final int START_TIME = 19;

  /** A name of up to 64 octets and 52 columns. */
  private static final int MOST_OCTETS = 2048;

  /** PF_EXITING: the thread is in the kernel's do_exit, out of which none comes. */
  private static final long EXITING = 0x4;

  private static final long END_POLL_NANOS = 2_000_000L;

  /**
   * Waits until a process, whosever child it is, has ended; false when it has not within the time.
   * {@code ProcessHandle.onExit} looks after another's child only now and then.
   */
  public static boolean awaitEnd(long pid, Duration timeout) {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (living(pid).isPresent()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      LockSupport.parkNanos(END_POLL_NANOS);
    }
    return true;
  }

  /** A process; empty when there is none. */
  public static Optional<ProcessStat> of(long pid) {
    return read(Path.of("/proc/" + pid + "/stat"));
  }

  /** A process that has not ended; empty when there is none, or one whose parent has not asked. */
  public static Optional<ProcessStat> living(long pid) {
    return of(pid).filter(stat -> !stat.hasEnded());
  }

  /**
   * Whether a process may still do anything. One that was killed does not any more; then the kernel
   * takes its memory back, which takes a second or more where that is large, and only after that
   * the process has ended and its files are closed.
   *
   * <p>Its first thread is looked at, which in a JVM ends with all others only: when it is on its
   * way out, they have been killed too. The others' files must not be read then: the kernel holds
   * the process's memory for who reads such a file, and who is the last to hold it has to take it
   * back (fs/proc/array.c, do_task_stat).
   */
  public static boolean isActive(long pid) {
    // The thread's own file: for the whole process the kernel adds up the times of all threads.
    return ofThread(pid, pid)
        .map(first -> !first.hasEnded() && !first.isExiting())
        .orElseGet(() -> exists(pid));
  }

  /** One of its threads; empty when there is none. */
  public static Optional<ProcessStat> ofThread(long pid, long thread) {
    return read(fileOf(pid, thread));
  }

  /**
   * Whether there is such a process, ended or not. Needs no file descriptor: what cannot be read
   * for want of one is no process that has ended.
   */
  public static boolean exists(long pid) {
    return Files.exists(fileOf(pid, pid));
  }

  private static Path fileOf(long pid, long thread) {
    return Path.of("/proc/" + pid + "/task/" + thread + "/stat");
  }

  private static Optional<ProcessStat> read(Path path) {
    // Not through a channel: an interrupted thread would take a living process for an ended one.
    try (FileInputStream file = new FileInputStream(path.toFile())) {
      String line = new String(file.readNBytes(MOST_OCTETS), StandardCharsets.ISO_8859_1);
      String[] columns = line.substring(line.lastIndexOf(')') + 2).trim().split(" ");
      return columns.length > START_TIME
          ? Optional.of(
              new ProcessStat(
                  columns[0].charAt(0),
                  Integer.parseInt(columns[NUM_THREADS]),
                  TICK_NANOS * (Long.parseLong(columns[UTIME]) + Long.parseLong(columns[STIME])),
                  Long.parseUnsignedLong(columns[FLAGS]),
                  Long.parseUnsignedLong(columns[START_TIME])))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /**
   * Whether a process has ended, with all its threads; one that its parent has not asked for yet
   * has.
   */
  public boolean hasEnded() {
    return threads <= 1 && (state == 'Z' || state == 'X');
  }

  /** Whether it ends, and executes nothing of its program any more. */
  public boolean isExiting() {
    return isExiting(flags);
  }

  static boolean isExiting(long flags) {
    return (flags & EXITING) != 0;
  }

  /** Whether a signal or a debugger stopped it. */
  public boolean isStopped() {
    return state == 'T' || state == 't';
  }

  /** Whether it waits for something that can be interrupted. */
  public boolean sleeps() {
    return state == 'S';
  }
}
