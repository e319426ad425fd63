package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.util.ArrayList;
import java.util.List;

/**
 * Undoes what a protection left in a QEMU when its keeper died: COLO, so that the guest goes on,
 * and the settings. Finds everything by query and does nothing where nothing is left, so it can be
 * called any time nobody protects the guest. The guest's frames are not QEMU's: see {@link
 * dev.here.net.LeftGates}.
 */
public final class QemuCleanup {
  private QemuCleanup() {}

  /**
   * Undoes all of it.
   *
   * @return what was done, a line each; empty when nothing was left
   * @throws HypervisorException when the guest cannot be seen running afterwards
   */
  public static List<String> undo(QmpClient qmp, QemuTimeouts timeouts) {
    List<String> done = new ArrayList<>(letGuestRun(qmp, timeouts));
    done.addAll(restoreSettings(qmp, timeouts));
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
   * Restores the settings, once COLO was left.
   *
   * @return what was done
   * @throws HypervisorException when QEMU does not answer
   */
  public static List<String> restoreSettings(QmpClient qmp, QemuTimeouts timeouts) {
    if (!MigrationSettings.restoreDefaults(qmp, timeouts.command())) {
      return List.of();
    }
    ColoExit.disableColo(qmp, timeouts.command());
    return List.of("restored the migration settings");
  }
}
