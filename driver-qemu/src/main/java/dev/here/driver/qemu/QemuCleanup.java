package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Undoes what a protection left in a QEMU when its keeper died: the filters, so that the guest's
 * frames take their direct way again, behind those that were held; COLO, so that the guest goes on;
 * sockets and settings. Finds everything by query and does nothing where nothing is left, so it can
 * be called any time nobody protects the guest.
 */
public final class QemuCleanup {
  private QemuCleanup() {}

  /**
   * Undoes.
   *
   * @param held what the dead keeper's gates held, where it is to go out: only when it is certain
   *     that no standby takes over
   * @return what was done, a line each; empty when nothing was left
   * @throws HypervisorException when the guest cannot be seen running afterwards
   */
  public static List<String> undo(
      QmpClient qmp, QemuTimeouts timeouts, Optional<HeldFrameSource> held) {
    Duration timeout = timeouts.command();
    // First, for the guest's frames are dropped until the filters have gone.
    List<String> done = QemuNicRedirect.letOut(qmp, held, timeout);
    String status = qmp.execute("query-migrate", timeout).path("status").asString("none");
    if (status.equals("colo") || status.equals("active")) {
      done.add("left COLO");
    }
    ColoExit.leave(qmp, timeouts.undo());
    QemuNicRedirect.removeSockets(qmp, timeout, QemuNicRedirect.ID_PREFIX)
        .forEach(id -> done.add("removed socket " + id));
    if (MigrationSettings.restoreDefaults(qmp, timeout)) {
      ColoExit.disableColo(qmp, timeout);
      done.add("restored the migration settings");
    }
    return List.copyOf(done);
  }
}
