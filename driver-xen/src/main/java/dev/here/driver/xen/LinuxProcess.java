package dev.here.driver.xen;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel says of a process (proc(5)). */
final class LinuxProcess {
  private LinuxProcess() {}

  /** Whether a process exists and has not ended; one that nobody has asked for yet has ended. */
  static boolean exists(long pid) {
    char state = state(pid);
    return state != 'Z' && state != 'X';
  }

  /** Whether it {@link #exists} and is not stopped by a signal or a debugger. */
  static boolean canRun(long pid) {
    char state = state(pid);
    return state != 'Z' && state != 'X' && state != 'T' && state != 't';
  }

  private static char state(long pid) {
    try {
      String line =
          Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
      return line.charAt(line.lastIndexOf(')') + 2);
    } catch (IOException e) {
      return 'X';
    }
  }
}
