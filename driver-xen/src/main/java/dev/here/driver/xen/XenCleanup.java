package dev.here.driver.xen;

import dev.here.driver.qemu.QmpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Undoes what a protection has left in a domain whose keeper died. */
final class XenCleanup {
  private XenCleanup() {}

  /**
   * Lets a device model go on that stood still in a checkpoint; does nothing where none is left.
   * Who pauses a domain with xl leaves its device model running.
   *
   * @return what was done
   */
  static List<String> letRun(XenDomain domain, QmpClient monitor, Duration timeout) {
    PauseHaste.undo(domain.modelPid());
    String status = monitor.execute("query-status", timeout).path("status").asString("");
    if (status.equals("running")) {
      return List.of();
    }
    monitor.execute("cont", timeout);
    return List.of("let the device model go on");
  }

  /** Undoes all that a keeper of this domain leaves, whatever it was doing. */
  static List<String> undo(
      XenControl control, XenDomain domain, QmpClient monitor, Duration timeout) {
    var done = new ArrayList<>(letRun(domain, monitor, timeout));
    if (control.domain(domain.id()).map(DomainInfo::paused).orElse(false)) {
      control.unpause(domain.id());
      done.add("let the domain go on");
    }
    // QEMU ends itself when it is to stop a log that it does not keep (softmmu/memory.c): so it
    // keeps one before.
    for (boolean enable : new boolean[] {true, false}) {
      monitor.execute("xen-set-global-dirty-log", Map.of("enable", enable), timeout);
    }
    DirtyLog.turnOff(control, domain.id());
    done.add("turned the dirty logs off");
    return done;
  }
}
