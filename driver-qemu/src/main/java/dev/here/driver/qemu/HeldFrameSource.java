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
   * Whether a card's frames go out already, on the socket that the dead keeper's gate gave them
   * back on; then {@link #letOut} is not for them.
   */
  default boolean passes(int card) {
    return false;
  }

  /**
   * The same, up to what QEMU has written before the call; then the stream on that socket ends.
   * Does not wait for it.
   */
  default void endPassing(int card) {}

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
