package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.util.ArrayList;
import java.util.List;

/**
 * Undoes what a protection left in a QEMU when its keeper died: the filters, so that the guest's
 * frames take their direct way again; COLO, so that the guest goes on; sockets and settings. Finds
 * everything by query and does nothing where nothing is left, so it can be called any time nobody
 * protects the guest.
 */
public final class QemuCleanup {
  private QemuCleanup() {}

  /**
   * Undoes.
   *
   * @return what was found and removed, a line each; empty when nothing was left
   * @throws HypervisorException when the guest cannot be seen running afterwards
   */
  public static List<String> undo(QmpClient qmp, QemuTimeouts timeouts) {
    var done = new ArrayList<String>();
    String status =
        qmp.execute("query-migrate", timeouts.command()).path("status").asString("none");
    if (status.equals("colo") || status.equals("active")) {
      done.add("left COLO");
    }
    ColoExit.leave(qmp, timeouts.undo());
    for (String filter :
        QemuNicRedirect.removeFilters(qmp, timeouts.command(), QemuNicRedirect.ID_PREFIX)) {
      done.add("removed filter " + filter);
    }
    for (String socket :
        QemuNicRedirect.removeSockets(qmp, timeouts.command(), QemuNicRedirect.ID_PREFIX)) {
      done.add("removed socket " + socket);
    }
    if (MigrationSettings.restoreDefaults(qmp, timeouts.command())) {
      ColoExit.disableColo(qmp, timeouts.command());
      done.add("restored the migration settings");
    }
    return List.copyOf(done);
  }
}
