package dev.here.vmm;

import dev.here.machine.VirtioQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * The driver's side of one split virtqueue, straight from VIRTIO 1.2, section 2.7, and sharing
 * nothing with the device's side.
 */
final class FakeQueueDriver {
  record Buffer(long gpa, int sizeBytes, boolean writable) {}

  record Used(int head, int sizeBytes) {}

  final GuestMemory memory;
  final int size;
  final long descriptorGpa;
  final long availableGpa;
  final long usedGpa;
  private final List<Integer> free = new ArrayList<>();
  private final int[] chainLength;
  private final int startIndex;
  int availableIndex;
  int lastUsed;
  boolean indirect;
  long indirectGpa;

  FakeQueueDriver(GuestMemory memory, int size, long gpa, int startIndex) {
    this.memory = memory;
    this.size = size;
    this.descriptorGpa = gpa;
    this.availableGpa = gpa + 16L * size;
    this.usedGpa = (availableGpa + 6 + 2L * size + 4095) & -4096;
    this.chainLength = new int[size];
    this.startIndex = startIndex;
    this.availableIndex = startIndex;
    this.lastUsed = startIndex;
    memory.putU16(availableGpa + 2, startIndex);
    memory.putU16(usedGpa + 2, startIndex);
    for (int at = 0; at < size; at++) {
      free.add(at);
    }
  }

  /** The queue before the device has looked at anything, with indices as after earlier use. */
  VirtioQueue state(int index) {
    return new VirtioQueue(
        index,
        size,
        size,
        true,
        descriptorGpa,
        availableGpa,
        usedGpa,
        startIndex,
        startIndex,
        startIndex,
        true,
        true,
        Virtqueue.NO_VECTOR);
  }

  int freeDescriptors() {
    return free.size();
  }

  int add(Buffer... buffers) {
    return add(List.of(buffers));
  }

  /** Makes a chain available; returns its head. */
  int add(List<Buffer> buffers) {
    int head;
    if (indirect) {
      head = free.removeFirst();
      long table = indirectGpa + head * 1024L;
      for (int at = 0; at < buffers.size(); at++) {
        descriptor(table, at, buffers.get(at), at + 1 < buffers.size() ? at + 1 : -1);
      }
      raw(head, table, 16 * buffers.size(), 4, 0);
      chainLength[head] = 1;
    } else {
      List<Integer> taken = new ArrayList<>();
      for (int at = 0; at < buffers.size(); at++) {
        taken.add(free.removeFirst());
      }
      head = taken.getFirst();
      for (int at = 0; at < buffers.size(); at++) {
        descriptor(
            descriptorGpa,
            taken.get(at),
            buffers.get(at),
            at + 1 < taken.size() ? taken.get(at + 1) : -1);
      }
      chainLength[head] = buffers.size();
    }
    offer(head);
    return head;
  }

  void offer(int head) {
    memory.putU16(availableGpa + 4 + 2L * (availableIndex % size), head);
    availableIndex = availableIndex + 1 & 0xffff;
    memory.putU16(availableGpa + 2, availableIndex);
  }

  void raw(int index, long gpa, int sizeBytes, int flags, int next) {
    long at = descriptorGpa + 16L * index;
    memory.putU64(at, gpa);
    memory.putU32(at + 8, sizeBytes);
    memory.putU16(at + 12, flags);
    memory.putU16(at + 14, next);
  }

  private void descriptor(long table, int index, Buffer buffer, int next) {
    long at = table + 16L * index;
    memory.putU64(at, buffer.gpa());
    memory.putU32(at + 8, buffer.sizeBytes());
    memory.putU16(at + 12, (buffer.writable() ? 2 : 0) | (next >= 0 ? 1 : 0));
    memory.putU16(at + 14, Math.max(next, 0));
  }

  /** Takes back everything that the device has answered. */
  List<Used> collect() {
    List<Used> answers = new ArrayList<>();
    int index = memory.u16(usedGpa + 2);
    while (lastUsed != index) {
      long entry = usedGpa + 4 + 8L * (lastUsed % size);
      Used used = new Used(memory.u32(entry), memory.u32(entry + 4));
      answers.add(used);
      free(used.head());
      lastUsed = lastUsed + 1 & 0xffff;
    }
    return answers;
  }

  private void free(int head) {
    int at = head;
    int count = chainLength[head];
    for (int link = 0; link < count; link++) {
      free.add(at);
      at = memory.u16(descriptorGpa + 16L * at + 14);
    }
  }

  void usedEvent(int index) {
    memory.putU16(availableGpa + 4 + 2L * size, index);
  }

  int availableEvent() {
    return memory.u16(usedGpa + 4 + 8L * size);
  }

  void noInterrupt(boolean on) {
    memory.putU16(availableGpa, on ? 1 : 0);
  }

  OptionalLong usedFlags() {
    return OptionalLong.of(memory.u16(usedGpa));
  }
}
