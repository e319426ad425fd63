package dev.here.vmm;

import dev.here.machine.VirtioQueue;
import java.lang.invoke.VarHandle;

/**
 * The device's side of a split virtqueue (VIRTIO 1.2, section 2.7) in guest memory.
 *
 * <p>The driver is a hostile program that runs at the same time: every index and address is read
 * once, checked, then used. A chain is bounded by {@link DescriptorChain#MAX_RUNS} descriptors
 * whatever they link to, so loops end.
 *
 * <p>Order against the driver's vCPUs: the available index is read before the entries behind it
 * (acquire), used entries are written before the used index (release), and the used index before
 * the driver's wish for an interrupt is read (full fence), as section 2.7.7 asks for.
 *
 * <p>Guarded by the platform's lock. An access outside of guest memory surfaces as {@link
 * GuestAddressException}, a broken rule as {@link VirtqueueException}; {@link VirtioTransport}
 * turns both into a device that needs a reset.
 */
final class Virtqueue {
  static final int NO_VECTOR = 0xffff;

  private static final int DESCRIPTOR_BYTES = 16;
  private static final int FLAG_NEXT = 1;
  private static final int FLAG_WRITE = 2;
  private static final int FLAG_INDIRECT = 4;
  private static final int AVAILABLE_NO_INTERRUPT = 1;
  private static final int USED_NO_NOTIFY = 1;
  private static final int LEGACY_ALIGN = 4096;

  private final GuestMemory memory;
  private final int index;
  private final int maxSize;
  private int size;
  private boolean enabled;
  private long descriptorGpa;
  private long driverGpa;
  private long deviceGpa;
  private int nextAvailable;
  private int usedIndex;
  private int signalledUsed;
  private boolean signalledUsedValid;
  private boolean notificationOn;
  private int msixVector;
  private boolean eventIndex;
  private boolean notifyOnEmpty;

  Virtqueue(GuestMemory memory, VirtioQueue state) {
    this.memory = memory;
    index = state.index();
    size = state.size();
    maxSize = state.maxSize();
    enabled = state.enabled();
    descriptorGpa = state.descriptorGpa();
    driverGpa = state.driverGpa();
    deviceGpa = state.deviceGpa();
    nextAvailable = state.nextAvailable();
    usedIndex = state.usedIndex();
    signalledUsed = state.signalledUsed();
    signalledUsedValid = state.signalledUsedValid();
    notificationOn = state.notificationOn();
    msixVector = state.msixVector();
  }

  /** A queue that no driver has set up. */
  static Virtqueue unused(GuestMemory memory, int index, int maxSize) {
    return new Virtqueue(memory, unusedState(index, maxSize));
  }

  /** As a driver finds a queue of {@code maxSize} entries. */
  static VirtioQueue unusedState(int index, int maxSize) {
    return new VirtioQueue(
        index, maxSize, maxSize, false, 0, 0, 0, 0, 0, 0, false, true, NO_VECTOR);
  }

  VirtioQueue state() {
    return new VirtioQueue(
        index,
        size,
        maxSize,
        enabled,
        descriptorGpa,
        driverGpa,
        deviceGpa,
        nextAvailable,
        usedIndex,
        signalledUsed,
        signalledUsedValid,
        notificationOn,
        msixVector);
  }

  /** As after power-on. */
  void reset() {
    size = maxSize;
    enabled = false;
    descriptorGpa = 0;
    driverGpa = 0;
    deviceGpa = 0;
    nextAvailable = 0;
    usedIndex = 0;
    signalledUsed = 0;
    signalledUsedValid = false;
    notificationOn = true;
    msixVector = NO_VECTOR;
  }

  void negotiated(long features) {
    eventIndex = VirtioFeature.has(features, VirtioFeature.EVENT_INDEX);
    notifyOnEmpty = VirtioFeature.has(features, VirtioFeature.NOTIFY_ON_EMPTY);
  }

  int index() {
    return index;
  }

  int size() {
    return size;
  }

  int maxSize() {
    return maxSize;
  }

  boolean enabled() {
    return enabled;
  }

  long descriptorGpa() {
    return descriptorGpa;
  }

  long driverGpa() {
    return driverGpa;
  }

  long deviceGpa() {
    return deviceGpa;
  }

  int msixVector() {
    return msixVector;
  }

  void msixVector(int vector) {
    msixVector = vector;
  }

  /** The driver chooses a size; what is not a power of two up to the offered size is ignored. */
  void size(int entries) {
    if (!enabled && entries > 0 && entries <= maxSize && Integer.bitCount(entries) == 1) {
      size = entries;
    }
  }

  /** The modern driver's addresses; they stand still once the queue is enabled. */
  void addresses(long descriptor, long driver, long device) {
    if (!enabled) {
      descriptorGpa = descriptor;
      driverGpa = driver;
      deviceGpa = device;
    }
  }

  /** The modern driver has set the queue up. */
  void enable() {
    if (!enabled) {
      enabled = true;
      nextAvailable = 0;
      usedIndex = 0;
      signalledUsedValid = false;
    }
  }

  /** The legacy driver's one address for all three parts; 0 takes the queue away. */
  void legacyAddress(long gpa) {
    if (gpa == 0) {
      enabled = false;
      descriptorGpa = 0;
      driverGpa = 0;
      deviceGpa = 0;
      nextAvailable = 0;
      usedIndex = 0;
      signalledUsedValid = false;
      return;
    }
    enabled = false;
    long availableEnd = gpa + (long) DESCRIPTOR_BYTES * size + 2L * (3 + size);
    addresses(
        gpa,
        gpa + (long) DESCRIPTOR_BYTES * size,
        (availableEnd + LEGACY_ALIGN - 1) & -LEGACY_ALIGN);
    enable();
  }

  /** Whether the driver has nothing for the device. */
  boolean empty() {
    return !enabled || memory.u16(driverGpa + 2) == nextAvailable;
  }

  /**
   * Takes the next request.
   *
   * @return whether there was one
   */
  boolean take(DescriptorChain chain) {
    if (!enabled) {
      return false;
    }
    int available = memory.u16(driverGpa + 2);
    int waiting = available - nextAvailable & 0xffff;
    if (waiting == 0) {
      return false;
    }
    if (waiting > size) {
      throw new VirtqueueException(
          "queue %d: available index went from %d to %d with %d entries"
              .formatted(index, nextAvailable, available, size));
    }
    VarHandle.acquireFence();
    int head = memory.u16(driverGpa + 4 + 2L * (nextAvailable & size - 1));
    read(head, chain);
    nextAvailable = nextAvailable + 1 & 0xffff;
    if (eventIndex && notificationOn) {
      memory.putU16(availableEventGpa(), nextAvailable);
    }
    return true;
  }

  /** Reads the chain at {@code head} without taking it: for requests taken before a restore. */
  void read(int head, DescriptorChain chain) {
    if (head >= size) {
      throw new VirtqueueException(
          "queue %d: head %d of %d descriptors".formatted(index, head, size));
    }
    chain.begin(head);
    long table = descriptorGpa;
    int entries = size;
    int at = head;
    long total = 0;
    boolean indirect = false;
    for (int seen = 0; ; seen++) {
      long entry = table + (long) DESCRIPTOR_BYTES * at;
      long gpa = memory.u64(entry);
      long length = memory.u32(entry + 8) & 0xffff_ffffL;
      int flags = memory.u16(entry + 12);
      int next = memory.u16(entry + 14);
      if ((flags & FLAG_INDIRECT) != 0) {
        if (indirect || seen > 0 || length == 0 || length % DESCRIPTOR_BYTES != 0) {
          throw new VirtqueueException(
              "queue %d: chain %d has a misplaced indirect table of %d octets"
                  .formatted(index, head, length));
        }
        indirect = true;
        table = gpa;
        entries = (int) Math.min(length / DESCRIPTOR_BYTES, 0x10000);
        at = 0;
        seen = -1;
        continue;
      }
      total += length;
      if (length == 0 || total > 0xffff_ffffL) {
        throw new VirtqueueException(
            "queue %d: chain %d has a descriptor of %d octets as number %d, %d octets in all"
                .formatted(index, head, length, seen, total));
      }
      chain.add(memory, gpa, length, (flags & FLAG_WRITE) != 0);
      if ((flags & FLAG_NEXT) == 0) {
        return;
      }
      if (next >= entries) {
        throw new VirtqueueException(
            "queue %d: chain %d links to descriptor %d of %d"
                .formatted(index, head, next, entries));
      }
      at = next;
    }
  }

  /** Puts back the request that was taken last; nothing of it has been used. */
  void untake() {
    nextAvailable = nextAvailable - 1 & 0xffff;
  }

  /**
   * Answers {@code chain}; the driver does not see it before {@link #publish}.
   *
   * @param position how many answers of this batch come before it
   * @param writtenBytes how much of the writable part holds data now
   */
  void fill(DescriptorChain chain, int position, long writtenBytes) {
    chain.markWritten(memory, writtenBytes);
    long entry = deviceGpa + 4 + 8L * (usedIndex + position & size - 1);
    memory.putU32(entry, chain.head());
    memory.putU32(entry + 4, (int) writtenBytes);
  }

  /** Shows the driver {@code count} answers that {@link #fill} wrote. */
  void publish(int count) {
    int old = usedIndex;
    usedIndex = usedIndex + count & 0xffff;
    VarHandle.releaseFence();
    memory.putU16(deviceGpa + 2, usedIndex);
    // The driver may have asked for an interrupt anywhere between old and new: once the index has
    // moved past what was signalled by a whole lap, that comparison says nothing any more.
    if ((short) (usedIndex - signalledUsed) < (usedIndex - old & 0xffff)) {
      signalledUsedValid = false;
    }
  }

  /** Answers one request at once. */
  void push(DescriptorChain chain, long writtenBytes) {
    fill(chain, 0, writtenBytes);
    publish(1);
  }

  /** Whether the driver wants an interrupt for what was published since this was last asked. */
  boolean wantsInterrupt() {
    VarHandle.fullFence();
    if (notifyOnEmpty && empty()) {
      return true;
    }
    if (!eventIndex) {
      return (memory.u16(driverGpa) & AVAILABLE_NO_INTERRUPT) == 0;
    }
    int old = signalledUsed;
    boolean comparable = signalledUsedValid;
    signalledUsed = usedIndex;
    signalledUsedValid = true;
    return !comparable || crossed(memory.u16(usedEventGpa()), usedIndex, old);
  }

  /**
   * Asks the driver to notify of new requests, or not to. After switching it on the queue must be
   * looked at once more, since a notification may have been left out just before.
   */
  void notification(boolean on) {
    notificationOn = on;
    if (!enabled) {
      return;
    }
    if (eventIndex) {
      if (on) {
        // Not nextAvailable: a driver whose requests so far were too small must tell of the next.
        memory.putU16(availableEventGpa(), memory.u16(driverGpa + 2));
      }
    } else {
      int flags = memory.u16(deviceGpa);
      int wanted = on ? flags & ~USED_NO_NOTIFY : flags | USED_NO_NOTIFY;
      if (wanted != flags) {
        memory.putU16(deviceGpa, wanted);
      }
    }
    VarHandle.fullFence();
  }

  /** Section 2.7.7.2: whether {@code event} lies in {@code [old, current)} modulo 2^16. */
  private static boolean crossed(int event, int current, int old) {
    return (current - event - 1 & 0xffff) < (current - old & 0xffff);
  }

  private long usedEventGpa() {
    return driverGpa + 4 + 2L * size;
  }

  private long availableEventGpa() {
    return deviceGpa + 4 + 8L * size;
  }
}
