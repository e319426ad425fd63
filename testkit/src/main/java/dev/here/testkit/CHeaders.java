package dev.here.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Asks the C compiler what the system's headers say: sizes, offsets and constants, so that layouts
 * written in Java are tested against the real ones.
 */
public final class CHeaders {
  private static final String COMPILER = "gcc";

  private final String packageName;
  private final List<String> headers;

  private CHeaders(String packageName, List<String> headers) {
    this.packageName = packageName;
    this.headers = headers;
  }

  /** Headers of Linux to include, in order, for example {@code linux/kvm.h}. */
  public static CHeaders of(String... headers) {
    return ofPackage("linux-libc-dev", headers);
  }

  /** Headers to include, in order, that are in the Debian package {@code packageName}. */
  public static CHeaders ofPackage(String packageName, String... headers) {
    return new CHeaders(packageName, List.of(headers));
  }

  /** Why these headers can't be asked here, with the remedy; empty when they can. */
  public Optional<String> unavailable() {
    try {
      evaluate(List.of("1"));
      return Optional.empty();
    } catch (UncheckedIOException | IllegalStateException e) {
      return Optional.of(
          "no C compiler or headers (" + e.getMessage() + "): apt install gcc " + packageName);
    }
  }

  /**
   * The values of constant C expressions of integer type.
   *
   * @throws IllegalStateException with the compiler's words when one can't be compiled
   */
  public Map<String, Long> evaluate(Collection<String> expressions) {
    try {
      Path folder = Files.createTempDirectory("here-headers");
      try {
        Path source = folder.resolve("ask.c");
        Path program = folder.resolve("ask");
        Files.writeString(source, source(expressions));
        run(List.of(COMPILER, "-w", "-o", program.toString(), source.toString()));
        List<String> values = run(List.of(program.toString())).lines().toList();
        Map<String, Long> result = new LinkedHashMap<>();
        int at = 0;
        for (String expression : expressions) {
          result.put(expression, Long.parseLong(values.get(at++)));
        }
        return result;
      } finally {
        Files.deleteIfExists(folder.resolve("ask.c"));
        Files.deleteIfExists(folder.resolve("ask"));
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String source(Collection<String> expressions) {
    StringBuilder text = new StringBuilder("#define _GNU_SOURCE\n#include <stddef.h>\n");
    text.append("#include <stdio.h>\n");
    headers.forEach(header -> text.append("#include <").append(header).append(">\n"));
    text.append("int main(void) {\n");
    for (String expression : expressions) {
      text.append("  printf(\"%lld\\n\", (long long)(").append(expression).append("));\n");
    }
    return text.append("  return 0;\n}\n").toString();
  }

  private static String run(List<String> command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try {
      String output = new String(process.getInputStream().readAllBytes());
      if (process.waitFor() != 0) {
        throw new IllegalStateException(command.getFirst() + ": " + output.strip());
      }
      return output;
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while running " + command, e);
    }
  }
}
