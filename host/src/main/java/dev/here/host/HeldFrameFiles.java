package dev.here.host;

import dev.here.ffi.NativeException;
import dev.here.net.FramePort;
import dev.here.net.FrameRoom;
import dev.here.net.FrameStreamException;
import dev.here.net.HeldFrames;
import dev.here.net.StreamFrameCodec;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a keeper's gates hold, a file for each card in the keeper's folder; read when the keeper has
 * died.
 *
 * @param folder the keeper's
 */
record HeldFrameFiles(Path folder) {
  private static final Logger LOG = LoggerFactory.getLogger(HeldFrameFiles.class);

  /** Room for a guest's frames between commits, for each card. */
  private static final long GATE_BYTES = 64L << 20;

  /**
   * One frame that a gate of card 0 might have held, in a file of a folder, for a rehearsal.
   *
   * @throws UncheckedIOException when it cannot be written
   */
  static void writeSample(Path folder) {
    HeldFrames.writeSample(new HeldFrameFiles(folder).file(0));
  }

  private Path file(int card) {
    return folder.resolve("held" + card);
  }

  /** Room for a card's gate: in its file, or where that has no room in this process. */
  FrameRoom room(int card) {
    try {
      return FrameRoom.inFile(file(card), GATE_BYTES);
    } catch (NativeException e) {
      LOG.warn(
          "frames that are held when this keeper dies will be lost, until their senders send them"
              + " again: {}",
          e.getMessage());
      return FrameRoom.anonymous(GATE_BYTES);
    }
  }

  /** Whether a card's file has any. */
  boolean holds(int card) {
    return says(card, held -> !held.isEmpty());
  }

  /** Whether it is certain, by a card's file, that no frame of it was on its way out. */
  boolean endsWhole(int card) {
    return says(card, held -> !held.wasLeaving());
  }

  private boolean says(int card, Predicate<HeldFrames> question) {
    if (!Files.exists(file(card))) {
      return false;
    }
    try (HeldFrames held = HeldFrames.open(file(card))) {
      return question.test(held);
    } catch (FrameStreamException | UncheckedIOException e) {
      LOG.warn("frames of a dead keeper are lost: {}", e.getMessage());
      return false;
    }
  }

  /** Gives a card's frames in the order in which the guest sent them, in QEMU's framing. */
  void letOut(int card, Consumer<ByteBuffer> way) {
    try (Arena arena = Arena.ofConfined();
        HeldFrames held = HeldFrames.open(file(card))) {
      MemorySegment encoded =
          arena.allocate(FramePort.MAX_RECORD_BYTES + (long) StreamFrameCodec.MAX_PREFIX_BYTES, 8);
      held.forEach((record, length) -> {
        int size = StreamFrameCodec.encode(record, length, true, held.headerBytes(), encoded);
        way.accept(encoded.asSlice(0, size).asByteBuffer());
      });
    } catch (FrameStreamException e) {
      LOG.warn("some frames of a dead keeper are lost: {}", e.getMessage());
    }
  }
}
