package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Undoes what a protection left in a QEMU when its keeper died, in two steps: COLO, so that the
 * guest goes on; then the filters, so that its frames take their direct way again, behind those
 * that were held, and sockets and settings. Finds everything by query and does nothing where
 * nothing is left, so it can be called any time nobody protects the guest.
 */
public final class QemuCleanup {
  private QemuCleanup() {}

  /**
   * Both steps.
   *
   * @param held what the dead keeper's gates held, where it is to go out
   * @return what was done, a line each; empty when nothing was left
   * @throws HypervisorException when the guest cannot be seen running afterwards
   */
  public static List<String> undo(
      QmpClient qmp, QemuTimeouts timeouts, Optional<HeldFrameSource> held) {
    List<String> done = new ArrayList<>(letGuestRun(qmp, timeouts));
    done.addAll(letFramesGo(qmp, timeouts, held));
    return List.copyOf(done);
  }

  /**
   * Leaves COLO: a guest that stood still in a checkpoint goes on. Its frames are held as before,
   * so this needs no certainty who owns the VM.
   *
   * @return what was done
   * @throws HypervisorException when the guest cannot be seen running afterwards
   */
  public static List<String> letGuestRun(QmpClient qmp, QemuTimeouts timeouts) {
    return ColoExit.leave(qmp, timeouts.undo()) ? List.of("left COLO") : List.of();
  }

  /**
   * Lets out what was held and removes the rest, once COLO was left.
   *
   * @param held what the dead keeper's gates held, where it is to go out: only when it is certain
   *     that no standby takes over
   * @return what was done, a line each
   * @throws HypervisorException when QEMU does not answer
   */
  public static List<String> letFramesGo(
      QmpClient qmp, QemuTimeouts timeouts, Optional<HeldFrameSource> held) {
    Duration timeout = timeouts.command();
    List<String> done = QemuNicRedirect.removeAll(qmp, held, timeout);
    if (MigrationSettings.restoreDefaults(qmp, timeout)) {
      ColoExit.disableColo(qmp, timeout);
      done.add("restored the migration settings");
    }
    return done;
  }
}
