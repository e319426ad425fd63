package dev.here.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * How far a soak has come.
 *
 * @param seed of the whole run
 * @param done failovers so far, good ones only
 * @param fresh of these, with entirely fresh processes
 * @param lost failures of each kind, see {@link SoakFailure.Kind}
 * @param activateMillisWorst longest time from the lease to the guest's running
 * @param seconds time that they took
 */
public record SoakTally(
    long seed,
    int done,
    int fresh,
    int kills,
    int hangs,
    int switchovers,
    int lost,
    int corrupt,
    int doubled,
    double activateMillisWorst,
    double seconds) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  static SoakTally begin(long seed) {
    return new SoakTally(seed, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /** Nothing was lost, corrupt or doubled. */
  public boolean clean() {
    return lost + corrupt + doubled == 0;
  }

  /** Failovers a minute. */
  public double perMinute() {
    return seconds == 0 ? 0 : done * 60 / seconds;
  }

  SoakTally with(SoakRound.Fault fault, boolean freshProcesses, double millis, double took) {
    return new SoakTally(
        seed,
        done + 1,
        fresh + (freshProcesses ? 1 : 0),
        kills + (fault == SoakRound.Fault.KILL ? 1 : 0),
        hangs + (fault == SoakRound.Fault.HANG ? 1 : 0),
        switchovers + (fault == SoakRound.Fault.SWITCHOVER ? 1 : 0),
        lost,
        corrupt,
        doubled,
        Math.max(activateMillisWorst, millis),
        seconds + took);
  }

  SoakTally with(SoakFailure.Kind kind) {
    return new SoakTally(
        seed,
        done,
        fresh,
        kills,
        hangs,
        switchovers,
        lost + (kind == SoakFailure.Kind.LOST ? 1 : 0),
        corrupt + (kind == SoakFailure.Kind.CORRUPT ? 1 : 0),
        doubled + (kind == SoakFailure.Kind.DOUBLED ? 1 : 0),
        activateMillisWorst,
        seconds);
  }

  /** What an earlier run has left; empty when there is nothing that can be read. */
  static Optional<SoakTally> read(Path file) {
    try {
      return Optional.of(JSON.readValue(Files.readAllBytes(file), SoakTally.class));
    } catch (IOException | JacksonException e) {
      return Optional.empty();
    }
  }

  void write(Path file) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.write(fresh, JSON.writeValueAsBytes(this));
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
