package dev.here.vmm;

/**
 * The driver put something into a virtqueue that VIRTIO 1.2, section 2.7 forbids. The device stops
 * and asks for a reset; the text says which rule was broken, with the values.
 */
final class VirtqueueException extends RuntimeException {
  private static final long serialVersionUID = 1;

  VirtqueueException(String message) {
    super(message);
  }
}
