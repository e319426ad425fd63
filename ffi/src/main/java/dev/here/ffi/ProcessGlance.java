package dev.here.ffi;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * A look at a process that is cheap enough to be taken twenty times a second on a host that
 * interprets each instruction: one system call on a file that stays open, and some octets of its
 * text. The open file belongs to this very process, whatever becomes of its id. Any thread.
 */
public final class ProcessGlance implements AutoCloseable {
  /**
   * The columns up to the flags, of a program with its name of 15 octets, have no more (proc(5)).
   */
  private static final int OCTETS = 128;

  private static final int SPACES_BEFORE_FLAGS = 7;

  private final FileDescriptor stat;

  private ProcessGlance(FileDescriptor stat) {
    this.stat = stat;
  }

  /** Of a running process; empty when there is none, or no file may be opened. */
  public static Optional<ProcessGlance> of(long pid) {
    try {
      // The first thread's own: for the whole process the kernel visits all threads.
      String path = "/proc/%1$d/task/%1$d/stat".formatted(pid);
      return Optional.of(new ProcessGlance(FileDescriptor.open(path, Libc.O_RDONLY)));
    } catch (NativeException e) {
      return Optional.empty();
    }
  }

  /**
   * Whether the first thread is there and not on its way out, as {@link ProcessStat#isActive} says
   * it; false as well when no more can be seen here.
   */
  public synchronized boolean showsActive() {
    if (stat.isClosed()) {
      return false;
    }
    MemorySegment text = ThreadScratch.segment();
    long octets = Libc.pread(stat.number(), text.address(), OCTETS, 0);
    return octets > 0 && !ProcessStat.isExiting(flags(text, (int) octets));
  }

  /** The flags, 0 where the text is cut short. The command is in parentheses and may have some. */
  private static long flags(MemorySegment text, int octets) {
    int at = octets - 1;
    while (at > 0 && octet(text, at) != ')') {
      at--;
    }
    for (int spaces = 0; spaces < SPACES_BEFORE_FLAGS && at < octets; at++) {
      spaces += octet(text, at) == ' ' ? 1 : 0;
    }
    long flags = 0;
    while (at < octets && octet(text, at) != ' ') {
      flags = 10 * flags + octet(text, at) - '0';
      at++;
    }
    return flags;
  }

  private static int octet(MemorySegment text, int at) {
    return text.get(ValueLayout.JAVA_BYTE, at);
  }

  @Override
  public synchronized void close() {
    stat.close();
  }
}
