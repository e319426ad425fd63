package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Ends COLO, or what came of it, in a QEMU and makes sure that the guest runs. Works from every
 * state that a protection can leave, also that of one whose process died, and does nothing where
 * nothing is left. Our end of the COLO socket must be closed before.
 */
final class ColoExit {
  private static final Set<String> UNDER_WAY =
      Set.of("setup", "active", "device", "pre-switchover", "wait-unplug", "cancelling");

  /** States in which QEMU keeps a guest that we stopped; a user's own stop shows as paused. */
  private static final Set<String> STOPPED_BY_US = Set.of("colo", "finish-migrate", "postmigrate");

  private static final long RETRY_NANOS = 2_000_000L;
  private static final Duration STEP = Duration.ofSeconds(1);

  private ColoExit() {}

  /**
   * Ends it. What is most likely left is tried first, without a question: a guest that stands still
   * in a checkpoint waits for it, and each command takes an emulated host 40 ms.
   *
   * @return whether there was anything to be left
   * @throws HypervisorException when the guest cannot be seen running within {@code timeout}
   */
  static boolean leave(QmpClient qmp, Duration timeout) {
    long deadline = System.nanoTime() + timeout.toNanos();
    Duration step = timeout.compareTo(STEP) < 0 ? timeout : STEP;
    boolean left = attempt(qmp, "x-colo-lost-heartbeat", step);
    boolean migrating = stillMigrating(qmp, step);
    left |= migrating;
    while (migrating || !running(qmp, step)) {
      if (System.nanoTime() > deadline) {
        throw new HypervisorException(
            ("QEMU at %s did not leave COLO within %d ms: send it x-colo-lost-heartbeat and cont"
                    + " over QMP by hand")
                .formatted(qmp.socket(), timeout.toMillis()));
      }
      LockSupport.parkNanos(RETRY_NANOS);
      migrating = stillMigrating(qmp, step);
    }
    return left;
  }

  private static boolean stillMigrating(QmpClient qmp, Duration step) {
    String status = qmp.execute("query-migrate", step).path("status").asString("none");
    if (status.equals("colo")) {
      attempt(qmp, "x-colo-lost-heartbeat", step);
      return true;
    }
    if (UNDER_WAY.contains(status)) {
      attempt(qmp, "migrate_cancel", step);
      return true;
    }
    return false;
  }

  private static boolean running(QmpClient qmp, Duration step) {
    String status = qmp.execute("query-status", step).path("status").asString("");
    if (STOPPED_BY_US.contains(status)) {
      attempt(qmp, "cont", step);
      return false;
    }
    return true;
  }

  /**
   * QEMU refuses what its state does not allow at this instant; the next round looks again.
   *
   * @return whether it did it
   */
  private static boolean attempt(QmpClient qmp, String command, Duration step) {
    try {
      qmp.execute(command, step);
      return true;
    } catch (QmpErrorException refused) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
      return false;
    }
  }

  /** Switches the capability off that makes a migration COLO. */
  static void disableColo(QmpClient qmp, Duration timeout) {
    setColo(qmp, false, timeout);
  }

  static void setColo(QmpClient qmp, boolean state, Duration timeout) {
    qmp.execute(
        "migrate-set-capabilities",
        Map.of("capabilities", List.of(Map.of("capability", "x-colo", "state", state))),
        timeout);
  }
}
