package dev.here.host;

import dev.here.driver.qemu.HeldFrameSource;
import dev.here.net.DepositedConnections;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What a guest has sent and nobody has seen when its keeper died: what the gates held is in files,
 * and what came later on connections that the keeper deposited with this daemon. When the guest
 * goes on here all of it goes out. For one thread.
 */
final class DeadKeepersFrames implements HeldFrameSource {
  private final HeldFrameFiles files;
  private final Optional<DepositedConnections> connections;
  private final Set<Integer> read = new HashSet<>();

  /**
   * @param folder the dead keeper's
   * @param connections empty where there was no place for them
   */
  DeadKeepersFrames(Path folder, Optional<DepositedConnections> connections) {
    this(new HeldFrameFiles(folder), connections);
  }

  private DeadKeepersFrames(HeldFrameFiles files, Optional<DepositedConnections> connections) {
    this.files = files;
    this.connections = connections;
  }

  /**
   * One frame of card 0 that was held, for a rehearsal.
   *
   * @throws java.io.UncheckedIOException when it cannot be written
   */
  static DeadKeepersFrames sample(Path folder) {
    return new DeadKeepersFrames(HeldFrameFiles.withSample(folder), Optional.empty());
  }

  @Override
  public Path folder() {
    return files.folder();
  }

  @Override
  public boolean holds(int card) {
    return connections.map(known -> known.readsOn(card)).orElse(false) || files.holds(card);
  }

  @Override
  public void letOut(int card, Consumer<ByteBuffer> way) {
    if (read.add(card)) {
      files.letOut(card, way);
    }
    connections.ifPresent(known -> known.take(card, way));
  }
}
