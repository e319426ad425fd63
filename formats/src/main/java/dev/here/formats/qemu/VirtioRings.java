package dev.here.formats.qemu;

import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioQueue;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The rings of a guest's virtio devices in its memory (VIRTIO 1.2, 2.7), while the guest stands
 * still on its way to a QEMU. QEMU looks at a disk's queue only when it is told to, and whoever had
 * the device before may have been told already, or may have asked not to be told: requests that
 * nobody has taken are taken here, and notifications are asked for.
 */
public final class VirtioRings {
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final long EVENT_INDEX = 1L << 29;
  private static final int DESCRIPTOR_BYTES = 16;
  private static final int NEXT = 1;
  private static final int WRITABLE = 2;
  private static final int INDIRECT = 4;

  private final MemoryMap map;
  private final MemorySegment backing;

  /**
   * @param backing contents of the guest's memory, by backing offset; notifications are asked for
   *     in it
   */
  public VirtioRings(MemoryMap map, MemorySegment backing) {
    this.map = map;
    this.backing = backing;
  }

  /**
   * A part of a request's data.
   *
   * @param gpa where it lies
   * @param length octets
   * @param writable the device writes it
   */
  record Part(long gpa, long length, boolean writable) {}

  /**
   * A request.
   *
   * @param head of its descriptor chain
   * @param parts in order
   */
  record Request(int head, List<Part> parts) {}

  /**
   * Whose requests stand in the available ring from {@code next} on, up to the first that is not
   * well formed.
   */
  List<Integer> available(VirtioQueue queue, int next) {
    var heads = new ArrayList<Integer>();
    OptionalInt end = u16(queue.driverGpa() + 2);
    if (end.isEmpty() || (end.getAsInt() - next & 0xffff) > queue.size()) {
      return heads;
    }
    for (int at = next; at != end.getAsInt(); at = at + 1 & 0xffff) {
      OptionalInt head = u16(queue.driverGpa() + 4 + 2L * (at % queue.size()));
      if (head.isEmpty() || request(queue, head.getAsInt()).isEmpty()) {
        return heads;
      }
      heads.add(head.getAsInt());
    }
    return heads;
  }

  /** The request of a descriptor chain; empty when the chain is not well formed. */
  Optional<Request> request(VirtioQueue queue, int head) {
    var parts = new ArrayList<Part>();
    long table = queue.descriptorGpa();
    long entries = queue.size();
    int index = head;
    for (int steps = 0; steps <= queue.size() + entries && index < entries; steps++) {
      Optional<MemorySegment> found = at(table + (long) index * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
      if (found.isEmpty()) {
        return Optional.empty();
      }
      MemorySegment descriptor = found.get();
      long gpa = descriptor.get(U64, 0);
      long length = Integer.toUnsignedLong(descriptor.get(U32, 8));
      int flags = descriptor.get(U16, 12) & 0xffff;
      if ((flags & INDIRECT) != 0) {
        table = gpa;
        entries = length / DESCRIPTOR_BYTES;
        index = 0;
      } else {
        parts.add(new Part(gpa, length, (flags & WRITABLE) != 0));
        if ((flags & NEXT) == 0) {
          return fits(parts) ? Optional.of(new Request(head, parts)) : Optional.empty();
        }
        index = descriptor.get(U16, 14) & 0xffff;
      }
      if (parts.size() > VirtioSectionReader.MAX_QUEUES) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  /** Whether QEMU can map every part; it ends when it can't. */
  private boolean fits(List<Part> parts) {
    return parts.stream()
        .allMatch(part -> part.length() > 0 && at(part.gpa(), part.length()).isPresent());
  }

  /** Lets the driver notify of whatever comes after {@code next} in the available ring. */
  void askForNotifications(VirtioDevice device, VirtioQueue queue, int next) {
    at(queue.deviceGpa(), 2).ifPresent(flags -> flags.set(U16, 0, (short) 0));
    if ((device.negotiatedFeatures() & EVENT_INDEX) != 0) {
      at(queue.deviceGpa() + 4 + 8L * queue.size(), 2)
          .ifPresent(event -> event.set(U16, 0, (short) next));
    }
  }

  private OptionalInt u16(long gpa) {
    return at(gpa, 2)
        .map(octets -> OptionalInt.of(octets.get(U16, 0) & 0xffff))
        .orElseGet(OptionalInt::empty);
  }

  private Optional<MemorySegment> at(long gpa, long length) {
    Optional<MemoryRegion> region = map.regionAt(gpa);
    if (region.isEmpty() || length > region.get().endGpa() - gpa) {
      return Optional.empty();
    }
    long offset = region.get().backingOffset() + gpa - region.get().gpa();
    return Optional.of(backing.asSlice(offset, length));
  }
}
