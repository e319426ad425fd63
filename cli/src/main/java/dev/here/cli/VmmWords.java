package dev.here.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The words that a VMM process is started with; paths in them hold in any folder. */
final class VmmWords {
  private static final String READ_ONLY = ",readonly";

  private final List<String> words = new ArrayList<>();

  void add(String option, Object value) {
    words.add(option);
    words.add(value.toString());
  }

  List<String> words() {
    return List.copyOf(words);
  }

  /** {@code FILE[,readonly]} with an absolute path. */
  static String absoluteDisk(String disk) {
    return disk.endsWith(READ_ONLY)
        ? absolute(disk.substring(0, disk.length() - READ_ONLY.length())) + READ_ONLY
        : absolute(disk);
  }

  /** {@code file=PATH}, {@code socket=PATH} with an absolute path; other words as they are. */
  static String absoluteConsole(String console) {
    for (String kind : List.of("file=", "socket=")) {
      if (console.startsWith(kind)) {
        return kind + absolute(console.substring(kind.length()));
      }
    }
    return console;
  }

  private static String absolute(String path) {
    return Path.of(path).toAbsolutePath().toString();
  }
}
