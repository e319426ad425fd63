package dev.here.hypervisor;

/** The hypervisor's process or its connection has ended: the guest does not run there any more. */
public final class HypervisorGoneException extends HypervisorException {
  public HypervisorGoneException(String message, Throwable cause) {
    super(message, cause);
  }

  public HypervisorGoneException(String message) {
    super(message);
  }
}
