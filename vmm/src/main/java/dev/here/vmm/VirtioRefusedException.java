package dev.here.vmm;

/**
 * A virtio device's state asks for something that this VMM does not have. The text names the
 * device, what it asks for and what to change on the source.
 */
public final class VirtioRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public VirtioRefusedException(String message) {
    super(message);
  }
}
