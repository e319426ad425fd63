package dev.here.cli;

import dev.here.driver.vmm.JavaProgram;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** This program as files: what virtual hosts get of it, and how another process of it starts. */
final class HereProgram {
  private static final int HEAP_MEBIBYTES = 512;

  private HereProgram() {}

  /** Something that was asked for cannot be done; the text says why and what to do. */
  static class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Refusal(String message) {
      super(message);
    }
  }

  /**
   * All jars of HERE in class path order: those of {@code here.home}, which the launcher sets, or
   * the class path of this process.
   */
  static List<Path> jars() {
    String home = System.getProperty("here.home");
    if (home == null) {
      return Arrays.stream(classPath().split(File.pathSeparator, -1)).map(Path::of).toList();
    }
    Path folder = Path.of(home, "cli/target/lib");
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    } catch (IOException e) {
      throw new Refusal(
          "%s cannot be read (%s): build HERE with the launcher ./here"
              .formatted(folder, e.getMessage()));
    }
  }

  /**
   * The command line of another process of this program.
   *
   * @param arguments the command and its own arguments
   */
  static List<String> command(String... arguments) {
    return JavaProgram.command(
        arguments[0], HEAP_MEBIBYTES, Here.class.getName(), List.of(arguments));
  }

  private static String classPath() {
    return System.getProperty("java.class.path", "");
  }
}
