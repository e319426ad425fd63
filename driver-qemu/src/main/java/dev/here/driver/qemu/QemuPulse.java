package dev.here.driver.qemu;

import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import java.time.Duration;

/**
 * Feels whether a QEMU and its guest are alive: the process as the kernel sees it, QEMU's answer,
 * and the CPU time of the vCPU threads. Any thread may ask.
 */
final class QemuPulse {
  private final QmpClient qmp;
  private final QemuProcess process;

  /** For giving back a large guest's memory and its KVM VM. */
  private static final Duration ENDING = Duration.ofSeconds(5);

  QemuPulse(QmpClient qmp, QemuProcess process) {
    this.qmp = qmp;
    this.process = process;
  }

  /**
   * How QEMU is doing, answered within about {@code timeout}; only one that is just ending is given
   * the time that it takes, up to 5 s.
   */
  QemuCondition condition(Duration timeout) {
    return condition(timeout, ENDING);
  }

  private QemuCondition condition(Duration timeout, Duration ending) {
    switch (process.runState()) {
      case GONE -> {
        return QemuCondition.ENDED;
      }
      case STOPPED -> {
        return QemuCondition.STOPPED_BY_SIGNAL;
      }
      case LIVE -> {}
    }
    try {
      String status = qmp.execute("query-status", timeout).path("status").asString("");
      return switch (status) {
        // Between the halves of a checkpoint the guest stands, but it is meant to run.
        case "running", "colo", "finish-migrate", "debug" -> QemuCondition.RUNNING;
        case "internal-error", "guest-panicked", "shutdown" -> QemuCondition.GUEST_FAILED;
        default -> QemuCondition.PAUSED;
      };
    } catch (HypervisorGoneException e) {
      // QEMU hangs up only when it ends, and the kernel closes its sockets before it is gone.
      return process.endsWithin(ending) ? QemuCondition.ENDED : QemuCondition.SILENT;
    } catch (HypervisorException e) {
      return process.runState() == QemuProcess.RunState.STOPPED
          ? QemuCondition.STOPPED_BY_SIGNAL
          : QemuCondition.SILENT;
    }
  }

  /** The guest's progress, answered within about {@code timeout}. */
  GuestProgress progress(Duration timeout) {
    // A heartbeat does not wait for a large guest's end: the standby would hear nothing meanwhile.
    QemuCondition condition = condition(timeout, Duration.ZERO);
    return new GuestProgress(
        !condition.isDead(),
        condition == QemuCondition.PAUSED,
        process.vcpuNanos(),
        condition == QemuCondition.RUNNING && process.vcpusSleep());
  }

  /** One sentence that names what is wrong, for the text of an exception. */
  String diagnosis(Duration timeout) {
    return "QEMU (process %d): %s".formatted(process.pid(), condition(timeout).text());
  }
}
