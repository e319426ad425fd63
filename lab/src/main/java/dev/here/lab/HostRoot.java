package dev.here.lab;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * The root file system of a virtual host as a folder. Debian's packages are unpacked, not
 * configured: no maintainer script runs, neither here nor later, so nothing of the machine is
 * touched and the build takes seconds; the few files that such scripts would write are written
 * here.
 */
final class HostRoot {
  /** Folders of kernel modules that a host may need; all others are left out of the image. */
  static final List<String> KEPT_MODULES =
      List.of(
          "kernel/arch",
          "kernel/crypto",
          "kernel/lib",
          "kernel/virt",
          "kernel/block",
          "kernel/fs/9p",
          "kernel/fs/ext4",
          "kernel/fs/fuse",
          "kernel/fs/jbd2",
          "kernel/fs/netfs",
          "kernel/fs/fscache",
          "kernel/fs/overlayfs",
          "kernel/fs/squashfs",
          "kernel/fs/mbcache.ko",
          "kernel/net/802",
          "kernel/net/8021q",
          "kernel/net/9p",
          "kernel/net/bridge",
          "kernel/net/core",
          "kernel/net/llc",
          "kernel/net/netfilter",
          "kernel/net/packet",
          "kernel/net/sched",
          "kernel/net/vmw_vsock",
          "kernel/drivers/block",
          "kernel/drivers/char/hw_random",
          "kernel/drivers/crypto/ccp",
          "kernel/drivers/net/ifb.ko",
          "kernel/drivers/net/macvlan.ko",
          "kernel/drivers/net/macvtap.ko",
          "kernel/drivers/net/net_failover.ko",
          "kernel/drivers/net/tap.ko",
          "kernel/drivers/net/tun.ko",
          "kernel/drivers/net/veth.ko",
          "kernel/drivers/net/dummy.ko",
          "kernel/drivers/net/virtio_net.ko",
          "kernel/drivers/net/xen-netback",
          "kernel/drivers/vhost",
          "kernel/drivers/virtio",
          "kernel/drivers/xen");

  private static final List<String> DROPPED =
      List.of(
          "usr/share/doc",
          "usr/share/man",
          "usr/share/locale",
          "usr/share/info",
          "usr/share/lintian",
          "usr/share/icons",
          "usr/share/gtk-doc",
          "usr/share/iso-codes",
          "usr/lib/x86_64-linux-gnu/dri",
          "usr/lib/firmware");

  private final Path root;
  private final Consumer<String> progress;

  HostRoot(Path root, Consumer<String> progress) {
    this.root = root;
    this.progress = progress;
  }

  /** Unpacks the packages and their dependencies. Takes about 15 s with a near mirror. */
  void unpack(List<String> packages) {
    progress.accept("unpacking Debian packages: " + String.join(" ", packages));
    List<String> command = new ArrayList<>();
    // The private mount namespace: whatever is mounted while unpacking is gone with the program.
    command.addAll(List.of("unshare", "--mount", "--propagation", "private", "mmdebstrap"));
    command.addAll(List.of("--quiet", "--variant=extract", "--mode=root"));
    command.add("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr");
    command.add("--aptopt=APT::Install-Recommends \"false\"");
    command.add("--include=" + String.join(",", packages));
    command.addAll(List.of(AptSources.RELEASE, root.toString()));
    command.addAll(AptSources.debianLines());
    Tool.run(command);
  }

  /** The folder lib/modules/VERSION of the kernel with this flavour. */
  Path modules(String flavour) {
    return only(root.resolve("usr/lib/modules"), flavour);
  }

  /** The kernel image (bzImage) of this flavour. */
  Path kernel(String flavour) {
    Path modules = modules(flavour);
    return root.resolve("boot").resolve("vmlinuz-" + modules.getFileName());
  }

  /** Unpacks Xen's program, which comes compressed, to a file. */
  void unpackXen(Path target) {
    Path packed = root.resolve("boot/xen-4.17-amd64.gz");
    try (InputStream in = new GZIPInputStream(Files.newInputStream(packed))) {
      Files.copy(in, target);
    } catch (IOException e) {
      throw new LabException("%s cannot be unpacked: %s".formatted(packed, e.getMessage()), e);
    }
  }

  private static Path only(Path folder, String flavour) {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(p -> p.toString().endsWith(flavour))
          .filter(p -> flavour.contains("cloud") || !p.toString().contains("cloud"))
          .findFirst()
          .orElseThrow(() -> new LabException("no kernel %s in %s".formatted(flavour, folder)));
    } catch (IOException e) {
      throw new LabException("%s cannot be listed".formatted(folder), e);
    }
  }

  /** Removes documentation and the modules that no virtual host needs; indexes the rest. */
  void prune(String flavour) {
    for (String folder : DROPPED) {
      LabCache.deleteTree(root.resolve(folder));
    }
    Path modules = modules(flavour);
    try {
      Files.walkFileTree(
          modules.resolve("kernel"),
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Path relative = modules.relativize(file);
              if (KEPT_MODULES.stream().noneMatch(relative::startsWith)) {
                Files.delete(file);
              }
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new LabException("modules in %s cannot be pruned".formatted(modules), e);
    }
    index(modules);
  }

  /** Writes modules.dep and its like, with the image's own tool. */
  void index(Path modules) {
    Tool.run("chroot", root.toString(), "/sbin/depmod", modules.getFileName().toString());
  }

  /** Writes what maintainer scripts and the administrator of an ordinary host would. */
  void configure() {
    file(
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n");
    file("etc/group", "root:x:0:\ntty:x:5:\nkvm:x:104:\nnogroup:x:65534:\n");
    file("etc/hosts", "127.0.0.1 localhost\n");
    file("etc/hostname", "lab-host\n");
    file("etc/fstab", "");
    // The kernel loads ifb when one is made; without this it comes with two that nobody asked for.
    file("etc/modprobe.d/ifb.conf", "options ifb numifbs=0\n");
    file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n");
    program("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n".getBytes(StandardCharsets.UTF_8));
    program("opt/lab/init", LabCache.resource("host-init.sh"));
    program("etc/qemu-ifup", LabCache.resource("qemu-ifup.sh"));
    link(LabCard.TRUNK_SCRIPT.substring(1), "qemu-ifup");
    program("etc/qemu-ifdown", "#!/bin/sh\nexit 0\n".getBytes(StandardCharsets.UTF_8));
    program("usr/local/bin/here-java", LabCache.resource("here-java.sh"));
    link("usr/bin/awk", "mawk");
    LabCache.deleteTree(root.resolve("var/run"));
    link("var/run", "/run");
    for (String folder :
        List.of("root", "opt/here", "opt/guest", "mnt", "run", "tmp", "proc", "sys", "dev")) {
      folder(folder);
    }
    LabCache.deleteTree(root.resolve("boot"));
  }

  private void folder(String name) {
    try {
      Files.createDirectories(root.resolve(name));
    } catch (IOException e) {
      throw new LabException("/%s cannot be made in the host's image".formatted(name), e);
    }
  }

  private void file(String name, String content) {
    try {
      Path file = root.resolve(name);
      Files.createDirectories(file.getParent());
      Files.deleteIfExists(file);
      Files.writeString(file, content);
    } catch (IOException e) {
      throw new LabException("/%s cannot be written in the host's image".formatted(name), e);
    }
  }

  private void program(String name, byte[] content) {
    try {
      Path file = root.resolve(name);
      Files.createDirectories(file.getParent());
      Files.deleteIfExists(file);
      Files.write(file, content);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (IOException e) {
      throw new LabException("/%s cannot be written in the host's image".formatted(name), e);
    }
  }

  private void link(String name, String target) {
    try {
      Path link = root.resolve(name);
      Files.deleteIfExists(link);
      Files.createSymbolicLink(link, Path.of(target));
    } catch (IOException e) {
      throw new LabException("/%s cannot be linked in the host's image".formatted(name), e);
    }
  }

  /** Compiles a C program of the lab into the image, without shared libraries. */
  static void compile(String resource, Path program) {
    try {
      Files.createDirectories(program.getParent());
      Path source = Files.createTempFile("here-lab-", ".c");
      try {
        Files.write(source, LabCache.resource(resource));
        Tool.run("gcc", "-static", "-O2", "-w", "-o", program.toString(), source.toString());
      } finally {
        Files.delete(source);
      }
    } catch (IOException e) {
      throw new LabException("%s cannot be compiled".formatted(resource), e);
    }
  }

  /** Links a Java runtime of the modules that HERE uses, with its class data archive. */
  void linkJava(Path jdk) {
    progress.accept("linking a Java runtime");
    Tool.run(
        jdk.resolve("bin/jlink").toString(),
        "--add-modules",
        String.join(",", LabPackages.JAVA_MODULES),
        "--strip-debug",
        "--no-header-files",
        "--no-man-pages",
        "--generate-cds-archive",
        "--output",
        root.resolve("opt/jre").toString());
  }

  /** Copies a file into the image. */
  void copy(Path source, String name) {
    try {
      Path target = root.resolve(name);
      Files.createDirectories(target.getParent());
      Files.copy(source, target, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new LabException("%s cannot be copied to /%s of the image".formatted(source, name), e);
    }
  }
}
