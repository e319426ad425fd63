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
 * A booted host, saved, with a running guest where the plan wants one: all hosts of a role start
 * from it in a few seconds. They share the moment of their clocks' calibration too, so their TSC
 * rates are equal.
 *
 * @param disk the root disk's changes since the image
 * @param memory QEMU's migration stream of the running host
 */
record ReadyState(Path disk, Path memory) {
  private static final long SAVE_NANOS = TimeUnit.SECONDS.toNanos(120);

  /** The saved state for this host on this machine, made now if the cache lacks it. */
  static ReadyState ensure(HostImage image, LabPlan plan, String host, Consumer<String> progress) {
    HostRole role = HostRole.of(host);
    List<String> processor = Acceleration.ofThisMachine().options(role);
    String size =
        "ready-%dm-%dc-%s"
            .formatted(
                plan.memoryMebibytes(), plan.cpus(), LabCache.digest(String.join(" ", processor)));
    Path folder = image.folder().resolve(size);
    if (!Files.isDirectory(folder)) {
      progress.accept("booting a %s host once, to save its state in %s".formatted(role, folder));
      HostMachine.Origin cold = new HostMachine.Origin(image.disk(), "raw", Optional.empty());
      build(image, plan, role, folder, cold, HostMachine::awaitBoot);
    }
    ReadyState booted = of(folder);
    LabGuest guest = plan.guests().get(host);
    if (guest == null) {
      return booted;
    }
    Path withGuest = folder.resolveSibling(size + "-" + LabCache.digest(guest.startScript(role)));
    if (!Files.isDirectory(withGuest)) {
      progress.accept("booting guest %s once, to save its host's state".formatted(guest.name()));
      build(image, plan, role, withGuest, booted.origin(), machine -> machine.startGuest(guest));
    }
    return of(withGuest);
  }

  private static ReadyState of(Path folder) {
    return new ReadyState(folder.resolve("root.qcow2"), folder.resolve("memory.bin"));
  }

  /** What a host starts from that continues this state. */
  HostMachine.Origin origin() {
    return new HostMachine.Origin(disk, "qcow2", Optional.of(memory));
  }

  private static void build(
      HostImage image,
      LabPlan plan,
      HostRole role,
      Path folder,
      HostMachine.Origin origin,
      Consumer<HostMachine> prepare) {
    String name = role.label() + "-boot";
    Path building =
        folder.resolveSibling(folder.getFileName() + "." + ProcessHandle.current().pid());
    LabCache.deleteTree(building);
    Path near = LabRecord.newFolder();
    try {
      Files.createDirectories(building);
      // Paths of sockets must be short, and a cache's may be anything.
      Path place = Files.createSymbolicLink(near.resolve("b"), building);
      LabPlan single = new LabPlan(List.of(name), plan.memoryMebibytes(), plan.cpus(), List.of());
      try (Rack rack = Rack.start(false, building)) {
        HostNetwork.build(rack);
        HostNetwork.plug(rack, name);
        ApplicationImage.write(image, List.of(), building.resolve("application.ext4"), s -> {});
        HostMachine host = new HostMachine(rack, place, name, LabPlan.FIRST_NUMBER);
        host.start(image, single, origin);
        prepare.accept(host);
        host.exec("sync; echo 3 >/proc/sys/vm/drop_caches", new byte[0]).success();
        save(host, building.resolve("memory.bin"));
      }
      Files.move(building.resolve(name + ".qcow2"), building.resolve("root.qcow2"));
      Files.delete(building.resolve("application.ext4"));
      Files.move(building, folder);
    } catch (IOException e) {
      throw new LabException("the ready state cannot be saved in " + folder, e);
    } finally {
      LabCache.deleteTree(near);
      LabCache.deleteTree(building);
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
