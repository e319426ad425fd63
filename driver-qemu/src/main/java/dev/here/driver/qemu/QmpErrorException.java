package dev.here.driver.qemu;

import dev.here.hypervisor.HypervisorException;

/** QEMU refused a command. The text is the command and QEMU's own words. */
public final class QmpErrorException extends HypervisorException {
  private final String errorClass;
  private final String description;

  /**
   * @param command the command that was refused
   * @param errorClass QEMU's error class, for example {@code GenericError} or {@code
   *     CommandNotFound}
   * @param description QEMU's description
   */
  public QmpErrorException(String command, String errorClass, String description) {
    super("QEMU refused %s: %s (%s)".formatted(command, description, errorClass));
    this.errorClass = errorClass;
    this.description = description;
  }

  /** QEMU's error class. */
  public String errorClass() {
    return errorClass;
  }

  /** QEMU's description. */
  public String description() {
    return description;
  }
}
