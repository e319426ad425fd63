package dev.here.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A booted host, saved: all hosts of a lab start from it in a few seconds. They share the moment of
 * their clocks' calibration too, so their TSC rates are equal.
 *
 * @param disk the root disk's changes since the image
 * @param memory QEMU's migration stream of the running host
 */
record ReadyState(Path disk, Path memory) {
  private static final String BOOTED = "boot";
  private static final long SAVE_NANOS = TimeUnit.SECONDS.toNanos(120);

  /** The saved state for hosts of this size on this machine, made now if the cache lacks it. */
  static ReadyState ensure(HostImage image, LabPlan plan, Consumer<String> progress) {
    String size =
        "ready-%s-%dm-%dc"
            .formatted(
                Acceleration.ofThisMachine().name().toLowerCase(java.util.Locale.ROOT),
                plan.memoryMebibytes(),
                plan.cpus());
    Path folder = image.folder().resolve(size);
    ReadyState state = new ReadyState(folder.resolve("root.qcow2"), folder.resolve("memory.bin"));
    if (!Files.isDirectory(folder)) {
      progress.accept("booting a host once, to save its state in " + folder);
      build(image, plan, folder);
    }
    return state;
  }

  private static void build(HostImage image, LabPlan plan, Path folder) {
    Path building =
        folder.resolveSibling(folder.getFileName() + "." + ProcessHandle.current().pid());
    LabCache.deleteTree(building);
    try {
      Files.createDirectories(building);
      LabPlan single = new LabPlan(List.of(BOOTED), plan.memoryMebibytes(), plan.cpus(), List.of());
      try (Rack rack = Rack.start(false, building)) {
        HostNetwork.build(rack);
        HostNetwork.plug(rack, BOOTED);
        ApplicationImage.write(image, List.of(), building.resolve("application.ext4"), s -> {});
        HostMachine host = new HostMachine(rack, building, BOOTED, LabPlan.FIRST_NUMBER);
        host.start(image, single, new HostMachine.Origin(image.disk(), "raw", Optional.empty()));
        host.awaitBoot();
        host.exec("sync; echo 3 >/proc/sys/vm/drop_caches", new byte[0]).success();
        save(host, building.resolve("memory.bin"));
      }
      Files.move(building.resolve(BOOTED + ".qcow2"), building.resolve("root.qcow2"));
      Files.delete(building.resolve("application.ext4"));
      Files.move(building, folder);
    } catch (IOException e) {
      throw new LabException("the ready state cannot be saved in " + folder, e);
    }
  }

  private static void save(HostMachine host, Path memory) {
    try (Qmp qmp = host.qmp()) {
      qmp.execute("stop", Map.of());
      // The default limit would make the saving of a stopped host take half a minute.
      qmp.execute("migrate-set-parameters", Map.of("max-bandwidth", 1L << 40));
      qmp.execute("migrate", Map.of("uri", "exec:cat > '" + memory + "'"));
      qmp.awaitMigration(System.nanoTime() + SAVE_NANOS);
      qmp.execute("quit", Map.of());
    }
    long deadline = System.nanoTime() + SAVE_NANOS;
    while (host.isRunning() && System.nanoTime() < deadline) {
      Tool.pause(20);
    }
  }
}
