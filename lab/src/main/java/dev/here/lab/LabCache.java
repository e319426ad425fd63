package dev.here.lab;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** The folder of built images, and the checksum of what they are built from. */
final class LabCache {
  /** Raised whenever the way of building changes in a way that no other input shows. */
  private static final int RECIPE = 4;

  static final List<String> RESOURCES =
      List.of(
          "agent.c",
          "guestd.c",
          "cpuid.c",
          "host-init.sh",
          "host-initrd.sh",
          "guest-init.sh",
          "qemu-ifup.sh",
          "here-java.sh");

  private LabCache() {}

  /** {@code $XDG_CACHE_HOME/here/lab}, or the same under {@code ~/.cache}. */
  static Path folder() {
    String xdg = System.getenv("XDG_CACHE_HOME");
    Path base =
        xdg == null || xdg.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(xdg);
    Path folder = base.resolve("here").resolve("lab");
    try {
      return Files.createDirectories(folder);
    } catch (IOException e) {
      throw new LabException(
          "the cache folder %s cannot be made (%s): set XDG_CACHE_HOME to a writable folder"
              .formatted(folder, e.getMessage()),
          e);
    }
  }

  static byte[] resource(String name) {
    try (InputStream in = LabCache.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new LabException("resource %s is missing from this build of the lab".formatted(name));
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new LabException("resource %s cannot be read".formatted(name), e);
    }
  }

  /** Checksum of all inputs of a host image of the given packages, as 16 hexadecimal digits. */
  static String key(List<String> packages, Path jdk) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(
          ("recipe " + RECIPE + " " + AptSources.RELEASE).getBytes(StandardCharsets.UTF_8));
      for (String name : RESOURCES) {
        digest.update(name.getBytes(StandardCharsets.UTF_8));
        digest.update(resource(name));
      }
      digest.update(
          (packages
                  + " "
                  + LabPackages.GUEST_KERNEL
                  + LabPackages.JAVA_MODULES
                  + HostRoot.KEPT_MODULES)
              .getBytes(StandardCharsets.UTF_8));
      digest.update(Files.readAllBytes(jdk.resolve("release")));
      return HexFormat.of().formatHex(digest.digest(), 0, 8);
    } catch (IOException | NoSuchAlgorithmException e) {
      throw new LabException("the images' checksum cannot be computed: " + e.getMessage(), e);
    }
  }

  /** Checksum of a text, as 16 hexadecimal digits. */
  static String digest(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new LabException("this Java has no SHA-256", e);
    }
  }

  static void deleteTree(Path folder) {
    if (!Files.exists(folder, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw new LabException("%s cannot be deleted: %s".formatted(folder, e.getMessage()), e);
    }
  }
}
