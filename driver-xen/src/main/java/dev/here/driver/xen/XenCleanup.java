package dev.here.driver.xen;

import dev.here.driver.qemu.HeldFrameSource;
import dev.here.driver.qemu.QemuNicRedirect;
import dev.here.driver.qemu.QmpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Undoes what a protection has left in a domain whose keeper died: the stand-still of a checkpoint,
 * the dirty logs, the filters. Does nothing where nothing is left.
 */
final class XenCleanup {
  private XenCleanup() {}

  static List<String> undo(
      XenControl control,
      XenDomain domain,
      QmpClient monitor,
      Optional<HeldFrameSource> held,
      Duration timeout) {
    var done = new ArrayList<String>();
    PauseHaste.undo(domain.modelPid());
    String status = monitor.execute("query-status", timeout).path("status").asString("");
    boolean inCheckpoint = !status.equals("running");
    if (inCheckpoint) {
      monitor.execute("cont", timeout);
      done.add("let the device model go on");
    }
    List<String> removed = QemuNicRedirect.removeAll(monitor, held, timeout);
    done.addAll(removed);
    boolean paused = control.domain(domain.id()).map(DomainInfo::paused).orElse(false);
    // Who pauses a domain with xl leaves its device model running and has no filters of ours.
    if (paused && (inCheckpoint || !removed.isEmpty())) {
      control.unpause(domain.id());
      done.add("let the domain go on");
    }
    if (!removed.isEmpty()) {
      monitor.execute("xen-set-global-dirty-log", Map.of("enable", false), timeout);
      DirtyLog.turnOff(control, domain.id());
      done.add("turned the dirty logs off");
    }
    return done;
  }
}
