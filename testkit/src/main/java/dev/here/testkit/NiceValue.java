package dev.here.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** The nice value of a process or thread, seen from outside. */
public final class NiceValue {
  /** Its place in a stat file (proc(5)), counted from the state. */
  private static final int PLACE = 16;

  private NiceValue() {}

  /** Of a process's first thread; empty when it has ended. */
  public static OptionalInt of(ProcessHandle process) {
    return of(Path.of("/proc", Long.toString(process.pid())));
  }

  /**
   * Of all of a process's threads, but those that end meanwhile.
   *
   * @throws IOException when the process has ended
   */
  public static List<Integer> ofThreads(long pid) throws IOException {
    try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
      return threads.map(NiceValue::of).flatMapToInt(OptionalInt::stream).boxed().toList();
    }
  }

  /** Of the process or thread with this folder below /proc. */
  private static OptionalInt of(Path folder) {
    try {
      String line = Files.readString(folder.resolve("stat"));
      // The name before it, in parentheses, may hold anything.
      String[] values = line.substring(line.lastIndexOf(')') + 2).split(" ");
      return OptionalInt.of(Integer.parseInt(values[PLACE]));
    } catch (IOException e) {
      return OptionalInt.empty();
    }
  }
}
