package dev.here.machine;

/**
 * One virtqueue (VIRTIO 1.2, section 2.7, split).
 *
 * @param index 0 upwards
 * @param size entries in use
 * @param maxSize entries offered
 * @param enabled the driver has set it up
 * @param descriptorGpa descriptor table
 * @param driverGpa available ring
 * @param deviceGpa used ring
 * @param nextAvailable next index of the available ring that the device will look at
 * @param usedIndex index of the used ring that the device writes next
 * @param signalledUsed used index at the last interrupt
 * @param signalledUsedValid that index is meaningful
 * @param notificationOn the device wants notifications
 * @param msixVector 65535 for none
 */
public record VirtioQueue(
    int index,
    int size,
    int maxSize,
    boolean enabled,
    long descriptorGpa,
    long driverGpa,
    long deviceGpa,
    int nextAvailable,
    int usedIndex,
    int signalledUsed,
    boolean signalledUsedValid,
    boolean notificationOn,
    int msixVector) {
  public VirtioQueue {
    Bounds.range("virtqueue.index", index, 0, 1023);
    Bounds.range("virtqueue.size", size, 0, 32768);
    Bounds.range("virtqueue.maxSize", maxSize, 0, 32768);
    for (int value : new int[] {nextAvailable, usedIndex, signalledUsed, msixVector}) {
      Bounds.range("virtqueue index or vector", value, 0, 0xffff);
    }
  }
}
