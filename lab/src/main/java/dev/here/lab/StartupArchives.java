package dev.here.lab;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Archives of the classes that HERE's processes load (JEP 483), so that they start quickly on an
 * emulated host, which takes fifteen times longer for everything. They are made on this machine, by
 * running HERE once with a small guest on its own /dev/kvm, and kept in the cache by the checksum
 * of the application.
 */
final class StartupArchives {
  private static final List<String> NAMES = List.of("hered.aot", "keeper.aot", "vmm.aot");
  private static final String SCRIPT = "startup-training.sh";
  private static final String TRAINING_SECONDS = "150";

  private StartupArchives() {}

  /**
   * The folder of the archives, made now if the cache lacks it; empty where they cannot be made,
   * which the progress says: HERE works without them.
   *
   * @param application a folder as the hosts see it at /opt/here; its files' times are part of what
   *     the archives are made for
   */
  static Optional<Path> ensure(HostImage image, Path application, Consumer<String> progress) {
    try {
      Path folder = LabCache.folder().resolve("startup-" + key(image, application.resolve("lib")));
      if (Files.isDirectory(folder)) {
        return Optional.of(folder);
      }
      if (!Files.isWritable(Path.of("/dev/kvm"))) {
        progress.accept("no /dev/kvm here to learn HERE's start from: its processes start slowly");
        return Optional.empty();
      }
      try (FileChannel channel =
              FileChannel.open(
                  LabCache.folder().resolve("startup.lock"),
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE);
          FileLock lock = channel.lock()) {
        if (lock.isValid() && !Files.isDirectory(folder)) {
          train(image, application, folder, progress);
        }
      }
      return Optional.of(folder);
    } catch (IOException | LabException e) {
      progress.accept("HERE's processes will start slowly: " + e.getMessage());
      return Optional.empty();
    }
  }

  private static void train(
      HostImage image, Path application, Path folder, Consumer<String> progress)
      throws IOException {
    progress.accept("learning what HERE's processes load, once for this build");
    long start = System.nanoTime();
    Path work = Files.createTempDirectory("here-startup-");
    try {
      Path script = Files.write(work.resolve(SCRIPT), LabCache.resource(SCRIPT));
      Path firmware = Files.write(work.resolve("firmware.bin"), TickingFirmware.image());
      try (Rack rack = Rack.start(false, work)) {
        rack.run(
            "timeout",
            TRAINING_SECONDS,
            "env",
            "--chdir=" + work,
            "bash",
            script.toString(),
            image.jre().toString(),
            application.toString(),
            firmware.toString());
      }
      Path building = folder.resolveSibling(folder.getFileName() + ".building");
      LabCache.deleteTree(building);
      Files.createDirectories(building);
      for (String name : NAMES) {
        Files.copy(work.resolve(name), building.resolve(name));
      }
      Files.move(building, folder);
    } finally {
      LabCache.deleteTree(work);
    }
    progress.accept("learnt in %.0f s".formatted((System.nanoTime() - start) / 1e9));
  }

  private static String key(HostImage image, Path libraries) throws IOException {
    try (Stream<Path> files = Files.list(libraries)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(LabCache.resource(SCRIPT));
      digest.update(Files.readAllBytes(image.jre().resolve("release")));
      for (Path file : files.sorted().toList()) {
        digest.update(String.valueOf(file.getFileName()).getBytes(StandardCharsets.UTF_8));
        digest.update(Files.readAllBytes(file));
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new LabException("this Java has no SHA-256", e);
    }
  }
}
