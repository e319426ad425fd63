package dev.here.cli;

import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * What a person sees of a running demo: steps with the time since the start, and one line of live
 * figures, redrawn in place on a terminal and else printed once a second. Thread-safe.
 */
final class DemoScreen {
  private static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final String ERASE_LINE = "\r\u001b[K";

  private final PrintWriter out;
  private final boolean terminal;
  private final long startNanos = System.nanoTime();
  private long nextLineNanos = startNanos;
  private boolean liveShown;

  DemoScreen(PrintWriter out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  /** Prints a line that stays. */
  synchronized void say(String text) {
    out.print("%s[%6.1f s] %s%n".formatted(liveShown ? "\n" : "", seconds(), text));
    liveShown = false;
    out.flush();
  }

  /** Does a step of the set-up and says how long it took. */
  <T> T step(String what, Supplier<T> work) {
    long begin = System.nanoTime();
    T result = work.get();
    say("%s (%.1f s)".formatted(what, (System.nanoTime() - begin) / 1e9));
    return result;
  }

  /** Shows figures that the next ones replace. */
  synchronized void live(String text) {
    if (terminal) {
      out.print("%s[%6.1f s] %s".formatted(ERASE_LINE, seconds(), text));
      liveShown = true;
      out.flush();
    } else if (System.nanoTime() >= nextLineNanos) {
      nextLineNanos = System.nanoTime() + LINE_NANOS;
      say(text);
    }
  }

  private double seconds() {
    return (System.nanoTime() - startNanos) / 1e9;
  }
}
