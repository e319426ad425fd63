package dev.here.driver.vmm;

import dev.here.formats.control.ControlMessage;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
import java.nio.file.Path;
import java.util.Optional;

/** Asks a VMM how its guest gets on, over a connection of its own; any thread may. */
public final class VmmProgress implements AutoCloseable {
  private static final GuestProgress DEAD = new GuestProgress(false, false, 0, false);

  private final Path socket;
  private Optional<VmmControl> control = Optional.empty();

  /** Connects to the control socket when first asked. */
  public VmmProgress(Path socket) {
    this.socket = socket;
  }

  /** The guest's progress; a VMM that does not answer in time is not alive. */
  public synchronized GuestProgress ask(long timeoutNanos) {
    try {
      VmmControl connection = control.orElseGet(() -> VmmControl.connect(socket));
      control = Optional.of(connection);
      int timeoutMillis = (int) Math.clamp(timeoutNanos / 1_000_000, 1, Integer.MAX_VALUE);
      ControlMessage.StatusIs status =
          connection.expect(
              connection.ask(new ControlMessage.AskStatus(), timeoutMillis).message(),
              ControlMessage.StatusIs.class);
      return switch (status.phase()) {
        case RUNNING -> new GuestProgress(true, false, status.executedNanos(), status.idle());
        case STOPPED -> DEAD;
        default -> new GuestProgress(true, true, status.executedNanos(), true);
      };
    } catch (HypervisorException e) {
      close();
      return DEAD;
    }
  }

  @Override
  public synchronized void close() {
    control.ifPresent(VmmControl::close);
    control = Optional.empty();
  }
}
