package dev.here.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The disk with which HERE itself comes to a host: an ext4 file system of one fixed size, attached
 * read-only and mounted at /opt/here after the host has started. So the host's image and its ready
 * state outlive every change of the program.
 */
final class ApplicationImage {
  /** Part of the hosts' hardware, so of their ready state: never depends on the content. */
  private static final String SIZE = "256M";

  private ApplicationImage() {}

  /**
   * Writes the disk.
   *
   * @param application jars and class folders, in class path order
   */
  static void write(List<Path> application, Path image) {
    try {
      Path content = Files.createTempDirectory(image.getParent(), "application-");
      Path libraries = Files.createDirectories(content.resolve("lib"));
      List<String> classPath = new ArrayList<>();
      int number = 0;
      for (Path part : application) {
        String name = "%03d-%s".formatted(number++, label(part));
        copy(part, libraries.resolve(name));
        classPath.add("/opt/here/lib/" + name);
      }
      Files.writeString(content.resolve("classpath"), String.join(":", classPath));
      Files.deleteIfExists(image);
      Tool.run(
          "mke2fs",
          "-q",
          "-t",
          "ext4",
          "-O",
          "^has_journal",
          "-d",
          content.toString(),
          image.toString(),
          SIZE);
      LabCache.deleteTree(content);
    } catch (IOException e) {
      throw new LabException("the application's disk cannot be written: " + e.getMessage(), e);
    }
  }

  private static String label(Path part) {
    Path name = part.getFileName();
    return name == null ? "root" : name.toString();
  }

  private static void copy(Path from, Path to) throws IOException {
    if (!Files.isDirectory(from)) {
      Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
      return;
    }
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Path target = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.copy(path, target);
        }
      }
    }
  }
}
