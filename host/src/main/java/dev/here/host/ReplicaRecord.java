package dev.here.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a daemon that starts again has to know of a replica's VMM that an earlier one left behind.
 *
 * @param vmName whose replica
 * @param vmm the VMM's process
 * @param taps the TAP interfaces made for it
 * @param takenOver whether the guest was, or was just about to be, started in it
 */
record ReplicaRecord(String vmName, ProcessMark vmm, List<String> taps, boolean takenOver) {
  private static final Logger LOG = LoggerFactory.getLogger(ReplicaRecord.class);
  private static final String FILE = "replica.json";

  ReplicaRecord {
    taps = List.copyOf(taps);
  }

  void write(Path folder) {
    JsonFile.write(folder.resolve(FILE), this);
  }

  ReplicaRecord beingTakenOver() {
    return new ReplicaRecord(vmName, vmm, taps, true);
  }

  /**
   * Removes the TAPs. Their names are forgotten first, since other guests' may get them next, and
   * whoever clears up after this record must not take those away.
   */
  void releaseTaps(Path folder) {
    if (!taps.isEmpty()) {
      new ReplicaRecord(vmName, vmm, List.of(), takenOver).write(folder);
      removeTaps();
    }
  }

  private void removeTaps() {
    taps.forEach(tap -> GuestTap.left(tap).close());
  }

  /**
   * Ends what an earlier daemon left in the folders under {@code replicas}: replicas are of no use
   * without the record of their commits, which was in that daemon's memory; their primaries fill
   * new ones. A guest that was taken over runs on.
   *
   * @return the folders of guests that were taken over and run on
   */
  static List<Path> clear(Path replicas) {
    List<Path> running = new ArrayList<>();
    if (!Files.isDirectory(replicas)) {
      return running;
    }
    try (Stream<Path> folders = Files.list(replicas)) {
      for (Path folder : folders.filter(Files::isDirectory).toList()) {
        if (Files.exists(folder.resolve(FILE)) && isRunningOrCleared(folder)) {
          running.add(folder);
        }
      }
    } catch (IOException e) {
      LOG.warn("what an earlier daemon left in {} stays there: {}", replicas, e.getMessage());
    }
    return running;
  }

  /** One that is not understood stays as it is, and hides no other. */
  private static boolean isRunningOrCleared(Path folder) {
    try {
      ReplicaRecord left = read(folder);
      if (left.takenOver && left.vmm.find().isPresent()) {
        return true;
      }
      left.clearOwn(folder);
    } catch (IOException | RuntimeException e) {
      LOG.warn("what an earlier daemon left in {} stays there: {}", folder, e.getMessage());
    }
    return false;
  }

  static ReplicaRecord read(Path folder) {
    return JsonFile.read(folder.resolve(FILE), ReplicaRecord.class);
  }

  private void clearOwn(Path folder) throws IOException {
    vmm.find()
        .ifPresent(process -> {
          LOG.info("the replica of {} that an earlier daemon left is given up", vmName);
          process.destroyForcibly();
        });
    removeTaps();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(folder);
  }
}
