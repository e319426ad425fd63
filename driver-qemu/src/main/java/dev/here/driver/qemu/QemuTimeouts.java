package dev.here.driver.qemu;

import java.time.Duration;

/**
 * How long this driver waits for QEMU (docs/specs/qmp-use.md).
 *
 * @param command an answer to an ordinary QMP command
 * @param silence the next octets on the COLO socket while some are due
 * @param resume the guest's going on after a checkpoint was acknowledged
 * @param undo all of leaving COLO, on failure or at the end
 */
public record QemuTimeouts(Duration command, Duration silence, Duration resume, Duration undo) {
  /** For hosts that are not overloaded. */
  public static final QemuTimeouts DEFAULT =
      new QemuTimeouts(
          Duration.ofSeconds(5),
          Duration.ofSeconds(3),
          Duration.ofSeconds(2),
          Duration.ofSeconds(5));
}
