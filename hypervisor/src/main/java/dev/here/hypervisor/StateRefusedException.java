package dev.here.hypervisor;

/**
 * A standby cannot load a machine state; the last committed checkpoint stays. The text names the
 * field.
 */
public final class StateRefusedException extends HypervisorException {
  public StateRefusedException(String message) {
    super(message);
  }

  public StateRefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
