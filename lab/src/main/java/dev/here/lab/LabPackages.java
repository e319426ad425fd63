package dev.here.lab;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** The Debian packages of the lab: those the machine needs, and those a virtual host is made of. */
public final class LabPackages {
  private static final List<List<String>> LINES = lines("packages.txt");

  /** What must be installed on the machine that runs the lab; the launcher reads the same file. */
  public static final List<String> MACHINE = LINES.stream().map(List::getFirst).toList();

  /** One program at least of each of {@link #MACHINE}'s packages that has programs. */
  public static final List<String> PROGRAMS =
      LINES.stream().flatMap(words -> words.stream().skip(1)).toList();

  /** What is unpacked into the image of every host; their dependencies come along. */
  static final List<String> HOST =
      List.of(
          "linux-image-amd64",
          "qemu-system-x86",
          "iproute2",
          "iputils-ping",
          "socat",
          "busybox-static",
          "kmod",
          "bash",
          "dash",
          "findutils",
          "diffutils",
          "util-linux-extra",
          "ethtool",
          "tcpdump",
          "procps",
          "coreutils",
          "util-linux",
          "mount",
          "hostname",
          "procps",
          "grep",
          "sed",
          "mawk",
          "tar",
          "gzip",
          "e2fsprogs",
          "libc-bin",
          "strace");

  /** The guest's kernel; unpacked beside the host's packages. */
  static final String GUEST_KERNEL = "linux-image-cloud-amd64";

  /** Modules of the hosts' Java runtime: what HERE uses, and no compiler. */
  static final List<String> JAVA_MODULES =
      List.of(
          "java.base",
          "java.logging",
          "java.management",
          "java.naming",
          "java.net.http",
          "java.security.jgss",
          "java.sql",
          "java.xml",
          "jdk.crypto.ec",
          "jdk.httpserver",
          "jdk.jcmd",
          "jdk.management",
          "jdk.net",
          "jdk.unsupported",
          "jdk.zipfs");

  private LabPackages() {}

  /** The words of each line of a resource, without empty lines and comments. */
  private static List<List<String>> lines(String resource) {
    try (InputStream in = LabPackages.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new LabException("%s is missing from the lab's jar".formatted(resource));
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .map(line -> Arrays.asList(line.split(" ", -1)))
          .toList();
    } catch (IOException e) {
      throw new LabException("%s cannot be read: %s".formatted(resource, e.getMessage()), e);
    }
  }
}
