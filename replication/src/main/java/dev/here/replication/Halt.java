package dev.here.replication;

import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a process in which an {@link Error} was thrown: a class that is not there any more, no
 * memory, an assertion. Nothing that it would still do can be relied on, least of all putting
 * things in order: a lease that is given up with the guest alive makes two guests. So it ends as if
 * it had been killed, which others know how to deal with.
 *
 * <p>An Error that leaves a thread ends the process by itself. Where it would first pass a {@code
 * finally} that matters, or where a future or a library would keep it, it is brought here.
 */
public final class Halt {
  /** Exit status, as that of {@code -XX:+ExitOnOutOfMemoryError}. */
  public static final int STATUS = 3;

  private static final Logger LOG = LoggerFactory.getLogger(Halt.class);
  private static volatile boolean armed;

  private Halt() {}

  /** From now on an Error ends this process. An exception that leaves a thread is told of only. */
  public static void onErrors() {
    armed = true;
    Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> {
      if (failure instanceof Error error) {
        because(error);
      }
      LOG.error("thread {} ended", thread.getName(), failure);
    });
  }

  /** Ends the process; does nothing in one that has not asked for it. */
  public static void because(Error error) {
    if (!armed) {
      return;
    }
    try {
      LOG.error("halted, as nothing is certain after an Error", error);
    } finally {
      Runtime.getRuntime().halt(STATUS);
    }
  }

  /** As {@link #because}, if that is what a future kept. */
  public static void ifBecause(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof Error error) {
        because(error);
      }
    }
  }

  /** A task for who would keep an Error of it to himself. */
  public static Runnable guard(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (Error e) {
        because(e);
        throw e;
      }
    };
  }

  /** As {@link #guard(Runnable)}. */
  public static <T> Callable<T> guardCall(Callable<T> task) {
    return () -> {
      try {
        return task.call();
      } catch (Error e) {
        because(e);
        throw e;
      }
    };
  }

  /** As {@link #guard(Runnable)}. */
  public static <T> Supplier<T> guardSupply(Supplier<T> task) {
    return () -> {
      try {
        return task.get();
      } catch (Error e) {
        because(e);
        throw e;
      }
    };
  }
}
