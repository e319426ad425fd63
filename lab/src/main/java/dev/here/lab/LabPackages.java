package dev.here.lab;

import java.util.List;

/** The Debian packages of the lab: those the machine needs, and those a virtual host is made of. */
public final class LabPackages {
  /** What must be installed on the machine that runs the lab. */
  public static final List<String> MACHINE =
      List.of(
          "qemu-system-x86",
          "qemu-utils",
          "mmdebstrap",
          "busybox-static",
          "e2fsprogs",
          "iproute2",
          "socat",
          "util-linux",
          "xz-utils",
          "gcc",
          "libc6-dev",
          "debian-archive-keyring");

  /** One program of each of {@link #MACHINE}'s packages that has programs. */
  public static final List<String> PROGRAMS =
      List.of(
          "qemu-system-x86_64",
          "qemu-img",
          "mmdebstrap",
          "busybox",
          "mke2fs",
          "ip",
          "socat",
          "unshare",
          "nsenter",
          "xz",
          "gcc");

  /** What is unpacked into the image of a KVM host; their dependencies come along. */
  static final List<String> KVM_HOST =
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
}
