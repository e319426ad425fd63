package dev.here.host;

import dev.here.driver.qemu.CleanupRehearsal;
import dev.here.ffi.UnixSocket;
import dev.here.net.DepositedConnections;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A keeper that died with one frame of card 0 held and with its connections deposited, for a
 * rehearsal.
 */
final class DeadKeeperSample {
  private DeadKeeperSample() {}

  /**
   * What it has left; its frame is on its way out.
   *
   * @param folder an empty one
   * @throws java.io.UncheckedIOException when it cannot be written to
   */
  static CleanupRehearsal.Sample in(Path folder) {
    HeldFrameFiles.writeSample(folder);
    UnixSocket.Pair out = UnixSocket.pair();
    UnixSocket.Pair back = UnixSocket.pair();
    DepositedConnections connections =
        DepositedConnections.ofDeadKeeper(
            folder.resolve(NicGates.DEPOSIT), out.other(), back.other());
    var frames = new DeadKeepersFrames(folder, Optional.of(connections));
    frames.pass();
    return new CleanupRehearsal.Sample(
        frames,
        () -> {
          connections.close();
          out.one().close();
          back.one().close();
        });
  }
}
