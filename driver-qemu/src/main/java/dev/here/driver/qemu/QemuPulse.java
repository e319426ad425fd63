package dev.here.driver.qemu;

import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import java.time.Duration;

/**
 * Feels whether a QEMU and its guest are alive: the process as the kernel sees it, QEMU's answer,
 * and the CPU time of the vCPU threads. Any thread may ask.
 *
 * <p>A QEMU that takes checkpoints says with each that its guest goes on. As long as that is recent
 * it is not asked for the guest's progress besides: it reads a command octet by octet, with some
 * system calls for each, which takes an emulated host 40 ms of its one processor.
 */
final class QemuPulse {
  private final QmpClient qmp;
  private final QemuProcess process;
  private final Standstill standstill;

  /** What is a smaller part of the time that QEMU may be silent is recent. */
  private static final int RECENT_PARTS = 4;

  /** For giving back a large guest's memory and its KVM VM. */
  private static final Duration ENDING = Duration.ofSeconds(5);

  /**
   * @param standstill what QEMU says of itself
   */
  QemuPulse(QmpClient qmp, QemuProcess process, Standstill standstill) {
    this.qmp = qmp;
    this.process = process;
    this.standstill = standstill;
  }

  /**
   * How QEMU is doing, answered within about {@code timeout}; only one that is just ending is given
   * the time that it takes, up to 5 s.
   */
  QemuCondition condition(Duration timeout) {
    return condition(timeout, ENDING);
  }

  private QemuCondition condition(Duration timeout, Duration ending) {
    return switch (process.runState()) {
      case GONE -> QemuCondition.ENDED;
      case STOPPED -> QemuCondition.STOPPED_BY_SIGNAL;
      case LIVE -> answered(timeout, ending);
    };
  }

  private QemuCondition answered(Duration timeout, Duration ending) {
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
    QemuCondition condition = heardOrAsked(timeout);
    return new GuestProgress(
        !condition.isDead(),
        condition == QemuCondition.PAUSED,
        process.vcpuNanos(),
        condition == QemuCondition.RUNNING && process.vcpusSleep());
  }

  private QemuCondition heardOrAsked(Duration timeout) {
    if (standstill.wentOnWithin(timeout.toNanos() / RECENT_PARTS)
        && process.runState() == QemuProcess.RunState.LIVE) {
      return QemuCondition.RUNNING;
    }
    // A heartbeat does not wait for a large guest's end: the standby would hear nothing meanwhile.
    return condition(timeout, Duration.ZERO);
  }

  /** One sentence that names what is wrong, for the text of an exception. */
  String diagnosis(Duration timeout) {
    return "QEMU (process %d): %s".formatted(process.pid(), condition(timeout).text());
  }
}
