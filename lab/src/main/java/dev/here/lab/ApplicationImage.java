package dev.here.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The disk with which HERE itself comes to a host: an ext4 file system of one fixed size, attached
 * read-only and mounted at /opt/here after the host has started. So the host's image and its ready
 * state outlive every change of the program.
 */
final class ApplicationImage {
  /** Part of the hosts' hardware, so of their ready state: never depends on the content. */
  private static final String SIZE = "256M";

  /**
   * Every file's time: archives of classes hold for files of the same size and time only, and are
   * kept longer than an image.
   */
  private static final FileTime TIME = FileTime.fromMillis(1_700_000_000_000L);

  private ApplicationImage() {}

  /**
   * Writes the disk, with archives of the application's classes if it is made of jars.
   *
   * @param application jars and class folders, in class path order
   */
  static void write(HostImage host, List<Path> application, Path image, Consumer<String> progress) {
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
      if (!application.isEmpty() && application.stream().allMatch(ApplicationImage::isJar)) {
        Optional<Path> archives = StartupArchives.ensure(host, content, progress);
        if (archives.isPresent()) {
          copy(archives.get(), content.resolve("startup"));
        }
      }
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

  private static boolean isJar(Path part) {
    return Files.isRegularFile(part) && part.toString().endsWith(".jar");
  }

  private static String label(Path part) {
    Path name = part.getFileName();
    return name == null ? "root" : name.toString();
  }

  private static void copy(Path from, Path to) throws IOException {
    if (!Files.isDirectory(from)) {
      Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
      Files.setLastModifiedTime(to, TIME);
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
