package dev.here.formats.qemu;

import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.util.Arrays;

/**
 * The reading half of a COLO secondary (docs/specs/qemu-stream.md). The caller owns the connection:
 * it writes {@link ColoMessage#encoded()} itself and decides when, and it ends a wait by closing
 * the channel.
 *
 * <pre>
 *   readInitial(sink)                          caller sends CHECKPOINT_READY
 *   loop
 *     awaitMessage() = CHECKPOINT_REQUEST      guest runs; caller sends CHECKPOINT_REPLY
 *     awaitMessage() = VMSTATE_SEND            guest stands
 *     readCheckpoint(sink)                     caller sends VMSTATE_RECEIVED, VMSTATE_LOADED
 * </pre>
 *
 * Every method throws {@link QemuStreamException} for what no supported QEMU sends, {@link
 * EOFException} when the sender has gone in the middle of something, and the channel's own {@link
 * IOException}. After any of them the stream can't be read further. Not safe for use by several
 * threads.
 */
public final class ColoStream {
  private static final int MAX_DEVICE_STATE_BYTES = 64 << 20;
  private static final int CHUNK_BYTES = 256 << 10;

  private final StreamInput in;
  private final MigrationStreamReader reader;

  /**
   * @param channel the connection, in blocking mode
   */
  public ColoStream(ReadableByteChannel channel) {
    in = new StreamInput(channel);
    reader = new MigrationStreamReader(in);
  }

  /**
   * Reads from the first byte to the end of the device state's description: all of RAM goes to the
   * sink. Returns when the sender waits for CHECKPOINT_READY.
   */
  public MigrationStream readInitial(RamSink sink) throws IOException {
    MigrationStream stream = reader.read(sink);
    if (!stream.colo()) {
      throw new QemuStreamException(
          in.position(),
          "an ordinary migration, not COLO: set the migration capability 'x-colo' on the sender");
    }
    return stream;
  }

  /** Waits for the sender's next message. */
  public ColoMessage awaitMessage() throws IOException {
    long at = in.position();
    return ColoMessage.of(in.i32(), at);
  }

  /**
   * Reads a checkpoint after VMSTATE_SEND: the changed pages go to the sink, in no order. Returns
   * only when the checkpoint is whole; until then nothing of it may be committed.
   */
  public Checkpoint readCheckpoint(RamSink sink) throws IOException {
    RamTally ram = reader.readCheckpointRam(sink);
    long at = in.position();
    ColoMessage message = awaitMessage();
    if (message != ColoMessage.VMSTATE_SIZE) {
      throw new QemuStreamException(at, "expected VMSTATE_SIZE, found " + message);
    }
    at = in.position();
    long size = in.i64();
    if (size <= 0 || size > MAX_DEVICE_STATE_BYTES) {
      throw new QemuStreamException(
          at,
          "device state of "
              + Long.toUnsignedString(size)
              + " bytes; 1 to "
              + MAX_DEVICE_STATE_BYTES
              + " are accepted");
    }
    return new Checkpoint(ram, deviceState((int) size));
  }

  private byte[] deviceState(int size) throws IOException {
    byte[] state = new byte[Math.min(size, CHUNK_BYTES)];
    int done = 0;
    while (done < size) {
      if (done == state.length) {
        state = Arrays.copyOf(state, Math.min(size, 2 * done));
      }
      in.bytes(state, done, state.length - done);
      done = state.length;
    }
    return state;
  }

  /**
   * One whole checkpoint without its pages.
   *
   * @param ram what its RAM pass carried
   * @param deviceState full device sections and the end mark; described by the {@link
   *     MigrationStream#schema()} of the same connection
   */
  public record Checkpoint(RamTally ram, byte[] deviceState) {}
}
