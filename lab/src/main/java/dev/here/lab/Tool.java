package dev.here.lab;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs programs of the machine to their end, and says which one failed and why when one does. */
final class Tool {
  /** A failed program's output is quoted in the message up to this many characters from its end. */
  private static final int QUOTED_CHARACTERS = 600;

  /** Standard input of programs that read none. */
  static final ProcessBuilder.Redirect NOTHING =
      ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile());

  private Tool() {}

  /** PATH with the folders of system programs, which an ordinary user's lacks. */
  static String path() {
    String path = System.getenv("PATH");
    String system = "/usr/sbin:/usr/bin:/sbin:/bin";
    return path == null ? system : path + ":" + system;
  }

  /** Runs a program and returns what it wrote to its two outputs; a non-zero exit is an error. */
  static String run(List<String> command) {
    Path output = null;
    try {
      output = Files.createTempFile("here-lab-", ".out");
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .redirectInput(NOTHING)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile());
      builder.environment().put("PATH", path());
      Process process = builder.start();
      int code = await(process);
      String text = Files.readString(output, StandardCharsets.ISO_8859_1);
      if (code != 0) {
        throw new LabException(
            "%s ended with %d: %s".formatted(String.join(" ", command), code, tail(text)));
      }
      return text;
    } catch (IOException e) {
      throw new LabException(
          "%s could not be started (%s): install it, see LabPackages"
              .formatted(command.getFirst(), e.getMessage()),
          e);
    } finally {
      delete(output);
    }
  }

  static String run(String... command) {
    return run(Arrays.asList(command));
  }

  private static int await(Process process) {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new LabException("interrupted while waiting for a program", e);
    }
  }

  private static void delete(@org.jspecify.annotations.Nullable Path file) {
    if (file != null) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        file.toFile().deleteOnExit();
      }
    }
  }

  private static String tail(String text) {
    String trimmed = text.strip();
    return trimmed.substring(Math.max(0, trimmed.length() - QUOTED_CHARACTERS));
  }

  /** Those of the named programs that stand neither in PATH nor in the system's folders. */
  static List<String> missing(List<String> programs) {
    List<String> folders = List.of(path().split(":", -1));
    return programs.stream()
        .filter(p -> folders.stream().noneMatch(f -> Files.isExecutable(Path.of(f, p))))
        .toList();
  }

  /** Waits a moment; an interrupt ends the wait with an exception. */
  static void pause(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("interrupted", e);
    }
  }
}
