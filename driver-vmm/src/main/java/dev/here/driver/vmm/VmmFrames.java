package dev.here.driver.vmm;

import dev.here.formats.control.ControlMessage;
import dev.here.hypervisor.HypervisorException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gate in a VMM's process, on a connection of its own (docs/specs/frame-gate.md). The gate is
 * the VMM's, so what it holds outlives this process.
 */
public final class VmmFrames implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VmmFrames.class);

  private final VmmControl control;
  private volatile ControlMessage.FramesAre last = new ControlMessage.FramesAre(0, 0, 0);

  /** Makes the gate, open, or opens the one that is there. */
  public VmmFrames(Path socket) {
    control = VmmControl.connect(socket);
    try {
      pass();
    } catch (RuntimeException e) {
      control.close();
      throw e;
    }
  }

  private void ask(ControlMessage.Request request) {
    last = control.ask(request, ControlMessage.FramesAre.class);
  }

  /** The guest stands still at the end of {@code epoch}. */
  public void hold(long epoch) {
    ask(new ControlMessage.HoldFrames(epoch));
  }

  /**
   * Frames of {@code epoch} and all before may leave.
   *
   * @param untilNanos of {@link System#nanoTime}, which is the same clock in all processes of a
   *     host; what has not left by then stays until a later release
   */
  public void release(long epoch, long untilNanos) {
    ask(new ControlMessage.ReleaseFrames(epoch, untilNanos));
  }

  /** What is held leaves, later frames pass. */
  public void pass() {
    ask(new ControlMessage.PassFrames());
  }

  /** What is held must never leave, nor later frames. */
  public void discard() {
    try {
      ask(new ControlMessage.DiscardFrames());
    } catch (HypervisorException e) {
      LOG.debug("the frames are gone with their VMM: {}", e.getMessage());
    }
  }

  /** Frames held, when the VMM last told. */
  public int heldFrames() {
    return last.heldFrames();
  }

  /** Octets that these took. */
  public long heldBytes() {
    return last.heldBytes();
  }

  /** The gate stays as it is. */
  @Override
  public void close() {
    control.close();
  }
}
