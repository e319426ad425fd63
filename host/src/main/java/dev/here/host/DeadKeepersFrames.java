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
    this.files = new HeldFrameFiles(folder);
    this.connections = connections;
  }

  /**
   * Lets everything out, and what comes from now on, of the cards whose gates' connections were
   * deposited and are between two frames. The others' waits for {@link #letOut}.
   */
  void pass() {
    connections.ifPresent(known ->
        known.cards().stream()
            .filter(files::endsWhole)
            .forEach(card -> known.pass(card, way -> files.letOut(card, way))));
  }

  @Override
  public boolean passes(int card) {
    return connections.map(known -> known.passes(card)).orElse(false);
  }

  @Override
  public void endPassing(int card) {
    connections.ifPresent(known -> known.endPassing(card));
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
