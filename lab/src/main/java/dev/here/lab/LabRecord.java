package dev.here.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a running lab writes down, so that other processes find it and no other process is mistaken
 * for it.
 *
 * @param rackPid process id of the lab's first process
 * @param rackStart that process's start in clock ticks since the machine's boot
 * @param folder sockets, overlays and logs
 * @param imageFolders by role, the host images it was started from
 * @param plan what it is made of
 */
record LabRecord(
    long rackPid, long rackStart, String folder, Map<HostRole, String> imageFolders, LabPlan plan) {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String FILE = "lab.json";
  private static final String PREFIX = "here-lab-run-";

  /** The image that hosts of this role were started from. */
  HostImage image(HostRole role) {
    String imageFolder = imageFolders.get(role);
    if (imageFolder == null) {
      throw new LabException("this lab was started without a %s host".formatted(role));
    }
    return new HostImage(Path.of(imageFolder));
  }

  /** Start of a process in clock ticks since boot, or -1 (proc(5), /proc/pid/stat, field 22). */
  static long startedAt(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[19]);
    } catch (IOException e) {
      return -1;
    }
  }

  /** A new folder for a lab's sockets; its path is short, as Unix sockets demand. */
  static Path newFolder() {
    removeStale();
    try {
      return Files.createTempDirectory(PREFIX);
    } catch (IOException e) {
      throw new LabException("no folder for the lab could be made: " + e.getMessage(), e);
    }
  }

  /** Removes folders whose lab is gone: a starter that was killed could not. */
  private static void removeStale() {
    Path parent = Path.of(System.getProperty("java.io.tmpdir"));
    try (var folders = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (Path folder : folders) {
        Optional<LabRecord> found = read(folder.resolve(FILE));
        if (found.isPresent() && !found.get().isAlive()) {
          LabCache.deleteTree(folder);
        }
      }
    } catch (IOException e) {
      throw new LabException("%s cannot be listed".formatted(parent), e);
    }
  }

  boolean isAlive() {
    return startedAt(rackPid) == rackStart;
  }

  void write(Path target) {
    try {
      Path file = target.resolve(FILE);
      Path part = target.resolve(FILE + ".part");
      Files.writeString(part, JSON.writeValueAsString(this));
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new LabException("the lab's record cannot be written to %s".formatted(target), e);
    }
  }

  /** Records this lab as the user's kept one. */
  void writeCurrent() {
    write(LabCache.folder());
  }

  static Optional<LabRecord> readCurrent() {
    return read(LabCache.folder().resolve(FILE)).filter(LabRecord::isAlive);
  }

  private static Optional<LabRecord> read(Path file) {
    try {
      return Files.exists(file)
          ? Optional.of(JSON.readValue(Files.readString(file), LabRecord.class))
          : Optional.empty();
    } catch (IOException | JacksonException e) {
      return Optional.empty();
    }
  }

  /** Removes the record of the kept lab if it is this one. */
  void forget() {
    Path file = LabCache.folder().resolve(FILE);
    if (read(file).filter(this::equals).isPresent()) {
      LabCache.deleteTree(file);
    }
  }
}
