package dev.here.vmm;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * One request of a driver: the memory that it lets the device read, then the memory that it lets
 * the device write, both as runs of octets from 0 on, however many descriptors they came in. It is
 * filled by {@link Virtqueue#take} and used again for the next request.
 *
 * <p>The segments are the guest's memory itself, which the guest may change at any moment: what is
 * checked must be copied out first. They may be used without the platform's lock until the request
 * is given back.
 */
final class DescriptorChain {
  /** Most runs of memory in one request, as in QEMU (VIRTQUEUE_MAX_SIZE). */
  static final int MAX_RUNS = 1024;

  private MemorySegment[] runs = new MemorySegment[16];
  private long[] gpas = new long[16];
  private int head;
  private int readable;
  private int count;
  private long readableBytes;
  private long writableBytes;

  /** The head descriptor's index: the request's name. */
  int head() {
    return head;
  }

  long readableBytes() {
    return readableBytes;
  }

  long writableBytes() {
    return writableBytes;
  }

  void begin(int headDescriptor) {
    Arrays.fill(runs, 0, count, null);
    head = headDescriptor;
    readable = 0;
    count = 0;
    readableBytes = 0;
    writableBytes = 0;
  }

  /**
   * Adds {@code sizeBytes} at {@code gpa}, in one run a memory region.
   *
   * @throws VirtqueueException where memory to read follows memory to write, or runs are too many
   * @throws GuestAddressException where there is no such memory
   */
  void add(GuestMemory memory, long gpa, long sizeBytes, boolean writable) {
    if (!writable && count > readable) {
      throw new VirtqueueException(
          "chain %d has a readable descriptor behind a writable one".formatted(head));
    }
    long at = gpa;
    long left = sizeBytes;
    while (left > 0) {
      long here = left;
      if (!memory.contains(at, left)) {
        long found = at;
        here =
            memory
                    .map()
                    .regionAt(at)
                    .orElseThrow(() -> new GuestAddressException(found, 1, writable))
                    .endGpa()
                - at;
      }
      addRun(memory, at, here, writable);
      at += here;
      left -= here;
    }
    if (writable) {
      writableBytes += sizeBytes;
    } else {
      readableBytes += sizeBytes;
    }
  }

  private void addRun(GuestMemory memory, long gpa, long sizeBytes, boolean writable) {
    if (count == MAX_RUNS) {
      throw new VirtqueueException(
          "chain %d has more than %d descriptors".formatted(head, MAX_RUNS));
    }
    if (count == runs.length) {
      runs = Arrays.copyOf(runs, count * 2);
      gpas = Arrays.copyOf(gpas, count * 2);
    }
    if (writable) {
      // Refuses read-only memory; no octet is written, so no page is counted dirty yet.
      memory.mapped(gpa, 0, true);
    } else {
      readable++;
    }
    runs[count] = memory.mapped(gpa, sizeBytes, false);
    gpas[count] = gpa;
    count++;
  }

  /**
   * Copies {@code length} octets that the driver offers for reading, from {@code offset} on, to
   * {@code target}; the caller has checked {@link #readableBytes}.
   */
  void copyOut(long offset, MemorySegment target, long targetOffset, long length) {
    copy(0, readable, offset, target, targetOffset, length, false);
  }

  /**
   * Copies {@code length} octets of {@code source} to what the driver offers for writing, from
   * {@code offset} on; the caller has checked {@link #writableBytes}.
   */
  void copyIn(long offset, MemorySegment source, long sourceOffset, long length) {
    copy(readable, count, offset, source, sourceOffset, length, true);
  }

  private void copy(
      int first,
      int end,
      long offset,
      MemorySegment other,
      long otherOffset,
      long length,
      boolean in) {
    long skip = offset;
    long done = 0;
    for (int at = first; at < end && done < length; at++) {
      MemorySegment run = runs[at];
      if (skip >= run.byteSize()) {
        skip -= run.byteSize();
        continue;
      }
      long here = Math.min(run.byteSize() - skip, length - done);
      if (in) {
        MemorySegment.copy(other, otherOffset + done, run, skip, here);
      } else {
        MemorySegment.copy(run, skip, other, otherOffset + done, here);
      }
      done += here;
      skip = 0;
    }
    if (done < length) {
      throw new VirtqueueException(
          "chain %d is shorter than %d octets".formatted(head, offset + length));
    }
  }

  /** Gives the pieces of guest memory one by one; see {@link #forEachReadable}. */
  @FunctionalInterface
  interface Piece {
    /**
     * @param piece guest memory
     * @param position of its first octet, counted from the {@code offset} that was asked for
     */
    void accept(MemorySegment piece, long position);
  }

  /** {@code length} octets for reading from {@code offset} on, as the guest's memory itself. */
  void forEachReadable(long offset, long length, Piece use) {
    forEach(0, readable, offset, length, use);
  }

  /** {@code length} octets for writing from {@code offset} on, as the guest's memory itself. */
  void forEachWritable(long offset, long length, Piece use) {
    forEach(readable, count, offset, length, use);
  }

  private void forEach(int first, int end, long offset, long length, Piece use) {
    long skip = offset;
    long done = 0;
    for (int at = first; at < end && done < length; at++) {
      MemorySegment run = runs[at];
      if (skip >= run.byteSize()) {
        skip -= run.byteSize();
        continue;
      }
      long here = Math.min(run.byteSize() - skip, length - done);
      use.accept(run.asSlice(skip, here), done);
      done += here;
      skip = 0;
    }
  }

  /** Counts the pages of the first {@code length} writable octets as dirty. */
  void markWritten(GuestMemory memory, long length) {
    long left = Math.min(length, writableBytes);
    for (int at = readable; at < count && left > 0; at++) {
      long here = Math.min(runs[at].byteSize(), left);
      memory.mapped(gpas[at], here, true);
      left -= here;
    }
  }
}
