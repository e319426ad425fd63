package dev.here.lab;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * The image of a host of one role: an ext4 root disk with Debian's packages, a Java runtime, the
 * control agent and the guest's kernel and initrd; an unpacked kernel and an initrd to boot it
 * with, and Xen where the role wants it. Built once and kept in the cache under the checksum of its
 * inputs; HERE itself is not in it (see {@link ApplicationImage}).
 *
 * @param folder where the parts are
 */
record HostImage(Path folder) {
  private static final String HOST_FLAVOUR = "-amd64";
  private static final String GUEST_FLAVOUR = "-cloud-amd64";
  private static final String DISK_SIZE = "2000M";
  private static final int GUEST_DISK_BYTES = 16 << 20;
  private static final long GUEST_DISK_SEED = 20260101L;

  Path disk() {
    return folder.resolve("host.ext4");
  }

  Path kernel() {
    return folder.resolve("host-vmlinux");
  }

  Path initrd() {
    return folder.resolve("host-initrd.cpio");
  }

  /** The hosts' Java runtime, which they have as /opt/jre. */
  Path jre() {
    return folder.resolve("jre");
  }

  /** Xen's multiboot program; only in a Xen host's image. */
  Path xen() {
    return folder.resolve("xen");
  }

  /** The role's image for this machine's inputs, built now if the cache does not hold it. */
  static HostImage ensure(HostRole role, Consumer<String> progress) {
    Path jdk = Path.of(System.getProperty("java.home"));
    Path cache = LabCache.folder();
    Path folder = cache.resolve(role.label() + "-" + LabCache.key(role.packages(), jdk));
    HostImage image = new HostImage(folder);
    if (Files.isDirectory(folder)) {
      return image;
    }
    try (FileChannel channel =
            FileChannel.open(
                cache.resolve("build.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      if (lock.isValid() && !Files.isDirectory(folder)) {
        build(role, folder, jdk, progress);
      }
      return image;
    } catch (IOException e) {
      throw new LabException(
          "the host image cannot be built in %s: %s".formatted(cache, e.getMessage()), e);
    }
  }

  private static void build(HostRole role, Path folder, Path jdk, Consumer<String> progress)
      throws IOException {
    List<String> missing = Tool.missing(LabPackages.PROGRAMS);
    if (!missing.isEmpty()) {
      throw new LabException(
          "the lab's images need %s: apt-get install %s"
              .formatted(String.join(", ", missing), String.join(" ", LabPackages.MACHINE)));
    }
    if (!Files.isExecutable(jdk.resolve("bin/jlink"))) {
      throw new LabException("%s has no jlink: run the lab with a JDK".formatted(jdk));
    }
    long start = System.nanoTime();
    progress.accept("building the image of a %s host, once, in %s".formatted(role, folder));
    Path building = folder.resolveSibling(folder.getFileName() + ".building");
    LabCache.deleteTree(building);
    Files.createDirectories(building);
    Path rootFolder = building.resolve("root");
    HostRoot root = new HostRoot(rootFolder, progress);
    List<String> packages = new ArrayList<>(role.packages());
    packages.add(LabPackages.GUEST_KERNEL);
    root.unpack(packages);
    buildGuest(root, rootFolder, building, progress);
    if (role == HostRole.XEN) {
      root.unpackXen(building.resolve("xen"));
    }
    buildHost(root, rootFolder, building, jdk);
    progress.accept("writing the root disk");
    Tool.run(
        "mke2fs",
        "-q",
        "-t",
        "ext4",
        "-O",
        "^has_journal",
        "-E",
        "lazy_itable_init=1",
        "-d",
        rootFolder.toString(),
        building.resolve("host.ext4").toString(),
        DISK_SIZE);
    Files.move(rootFolder.resolve("opt/jre"), building.resolve("jre"));
    LabCache.deleteTree(rootFolder);
    Files.move(building, folder);
    progress.accept(
        "image ready after %d s".formatted((System.nanoTime() - start) / 1_000_000_000));
  }

  private static void buildHost(HostRoot root, Path rootFolder, Path building, Path jdk) {
    KernelImage.unpack(root.kernel(HOST_FLAVOUR), building.resolve("host-vmlinux"));
    root.prune(HOST_FLAVOUR);
    new Initrd()
        .addFile("init", LabCache.resource("host-initrd.sh"))
        .addFile("bin/busybox", rootFolder.resolve("usr/bin/busybox"))
        .addModules(
            new KernelModules(root.modules(HOST_FLAVOUR))
                .closure(List.of("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")))
        .write(building.resolve("host-initrd.cpio"));
    HostRoot.compile("agent.c", rootFolder.resolve("opt/lab/agent"));
    root.linkJava(jdk);
    root.configure();
  }

  /** The guest's kernel, initrd and disk go to /opt/guest of the host. */
  private static void buildGuest(
      HostRoot root, Path rootFolder, Path building, Consumer<String> progress) throws IOException {
    progress.accept("building the guest");
    Path modules = root.modules(GUEST_FLAVOUR);
    root.index(modules);
    Path guest = Files.createDirectories(building.resolve("guest"));
    for (String program : List.of("guestd", "cpuid")) {
      HostRoot.compile(program + ".c", guest.resolve(program));
    }
    Initrd initrd =
        new Initrd()
            .addFile("init", LabCache.resource("guest-init.sh"))
            .addFile("bin/busybox", rootFolder.resolve("usr/bin/busybox"))
            .addFile("bin/guestd", guest.resolve("guestd"))
            .addFile("bin/cpuid", guest.resolve("cpuid"))
            .addModules(
                new KernelModules(modules)
                    .closure(List.of("virtio_pci", "virtio_net", "virtio_blk", "virtio_rng")));
    Path payload = Files.createDirectories(rootFolder.resolve("opt/guest"));
    initrd.write(payload.resolve("initrd.cpio"));
    Path kernel = root.kernel(GUEST_FLAVOUR);
    root.copy(kernel, "opt/guest/vmlinuz");
    KernelImage.unpack(kernel, payload.resolve("vmlinux"));
    byte[] disk = new byte[GUEST_DISK_BYTES];
    new SplittableRandom(GUEST_DISK_SEED).nextBytes(disk);
    Files.write(payload.resolve("disk.img"), disk);
    LabCache.deleteTree(modules);
  }
}
