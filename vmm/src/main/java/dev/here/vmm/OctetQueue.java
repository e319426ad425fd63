package dev.here.vmm;

import dev.here.machine.Bytes;

/** A bounded queue of octets; what does not fit is lost. */
final class OctetQueue {
  private static final int CAPACITY = 256;

  private final byte[] octets = new byte[CAPACITY];
  private int head;
  private int count;

  OctetQueue(Bytes content) {
    for (int at = 0; at < content.length(); at++) {
      add(content.at(at));
    }
  }

  void add(int... values) {
    for (int value : values) {
      if (count < CAPACITY) {
        octets[(head + count) % CAPACITY] = (byte) value;
        count++;
      }
    }
  }

  /** The next octet, taken. */
  int take() {
    int value = octets[head] & 0xff;
    head = (head + 1) % CAPACITY;
    count--;
    return value;
  }

  boolean isEmpty() {
    return count == 0;
  }

  void clear() {
    count = 0;
  }

  Bytes content() {
    byte[] content = new byte[count];
    for (int at = 0; at < count; at++) {
      content[at] = octets[(head + at) % CAPACITY];
    }
    return Bytes.of(content);
  }
}
