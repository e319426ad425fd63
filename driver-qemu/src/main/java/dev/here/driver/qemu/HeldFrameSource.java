package dev.here.driver.qemu;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * The frames that a dead keeper's gates held, and those that have come after its death: nobody else
 * lets them go any more.
 */
public interface HeldFrameSource {
  /** Where a socket can be made that QEMU reaches. */
  Path folder();

  /** Whether there are any of a card, or may come. */
  boolean holds(int card);

  /**
   * Gives a card's frames in their order, each once: a second call gives what has come since the
   * first. All that QEMU has written before the call is among them. Each is in the framing of
   * {@link QemuNicRedirect}'s sockets.
   *
   * @param card as {@link QemuNicRedirect#attach} counts them
   * @param way takes each frame; the buffer is valid during the call
   */
  void letOut(int card, Consumer<ByteBuffer> way);
}
