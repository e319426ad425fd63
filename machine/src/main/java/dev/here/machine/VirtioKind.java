package dev.here.machine;

/** Kinds of virtio device (VIRTIO 1.2, chapter 5), with their device ids. */
public enum VirtioKind {
  NET(1),
  BLOCK(2),
  RNG(4);

  private final int deviceId;

  VirtioKind(int deviceId) {
    this.deviceId = deviceId;
  }

  /** The device id of VIRTIO 1.2, chapter 5. */
  public int deviceId() {
    return deviceId;
  }
}
