package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.here.ffi.FileDescriptor;
import dev.here.ffi.Libc;
import dev.here.ffi.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A fixed list of MSRs that is read or written again and again without allocation.
 *
 * <p>KVM_GET_MSRS and KVM_SET_MSRS stop at the first MSR that fails and return how many went well;
 * a batch goes on behind it and remembers which failed ({@link #failed}).
 *
 * <p>Not thread-safe: one batch belongs to one thread at a time.
 */
public final class MsrBatch implements AutoCloseable {
  /** KVM accepts fewer than this many entries in one call (MAX_IO_MSRS). */
  private static final int MAX_PER_CALL = 255;

  private static final long HEADER_BYTES = MsrsLayout.HEADER.byteSize();
  private static final long ENTRY_BYTES = MsrsLayout.ENTRY.byteSize();

  private final Arena arena = Arena.ofShared();
  private final int[] indices;
  private final long[] values;
  private final BitSet failed = new BitSet();
  private final MemorySegment buffer;

  private MsrBatch(int[] indices) {
    this.indices = indices;
    this.values = new long[indices.length];
    int perCall = Math.min(Math.max(indices.length, 1), MAX_PER_CALL);
    this.buffer = arena.allocate(HEADER_BYTES + perCall * ENTRY_BYTES, 8);
  }

  /** A batch of these MSR numbers, in this order, all values 0. */
  public static MsrBatch of(int... indices) {
    return new MsrBatch(indices.clone());
  }

  /** A batch with values to be written. */
  public static MsrBatch of(SortedMap<Integer, Long> msrs) {
    MsrBatch batch = new MsrBatch(msrs.keySet().stream().mapToInt(Integer::intValue).toArray());
    int at = 0;
    for (long value : msrs.values()) {
      batch.values[at++] = value;
    }
    return batch;
  }

  public int size() {
    return indices.length;
  }

  /** MSR number of an entry. */
  public int index(int at) {
    return indices[at];
  }

  /** Value of an entry as last read or given; meaningless when {@link #failed}. */
  public long value(int at) {
    return values[at];
  }

  /** Sets the value that {@link #write} will write. */
  public void value(int at, long value) {
    values[at] = value;
  }

  /** Whether KVM refused this entry in the last read or write. */
  public boolean failed(int at) {
    return failed.get(at);
  }

  /** How many entries KVM refused in the last read or write. */
  public int failures() {
    return failed.cardinality();
  }

  /** The entries that didn't fail, by MSR number (unsigned order). */
  public SortedMap<Integer, Long> values() {
    SortedMap<Integer, Long> map = new TreeMap<>(Integer::compareUnsigned);
    for (int i = 0; i < indices.length; i++) {
      if (!failed.get(i)) {
        map.put(indices[i], values[i]);
      }
    }
    return map;
  }

  /** The MSR numbers that KVM refused in the last read or write. */
  public int[] failedIndices() {
    return failed.stream().map(i -> indices[i]).toArray();
  }

  /**
   * Reads all entries.
   *
   * @return how many KVM read
   */
  int read(FileDescriptor owner) {
    return transfer(owner, KvmIoctl.KVM_GET_MSRS, "KVM_GET_MSRS");
  }

  /**
   * Writes all entries in order.
   *
   * @return how many KVM accepted
   */
  int write(FileDescriptor owner) {
    return transfer(owner, KvmIoctl.KVM_SET_MSRS, "KVM_SET_MSRS");
  }

  private int transfer(FileDescriptor owner, long request, String name) {
    failed.clear();
    boolean reading = request == KvmIoctl.KVM_GET_MSRS;
    int first = 0;
    while (first < indices.length) {
      int count = Math.min(indices.length - first, MAX_PER_CALL);
      fill(first, count);
      int done = Libc.ioctl(owner.number(), request, buffer);
      if (done < 0) {
        throw new NativeException(
            -done, "%s of %d MSRs from 0x%x".formatted(name, count, indices[first]));
      }
      if (reading) {
        take(first, done);
      }
      first += done;
      if (done < count) {
        failed.set(first);
        first++;
      }
    }
    return indices.length - failures();
  }

  private void fill(int first, int count) {
    buffer.set(JAVA_INT, 0, count);
    buffer.set(JAVA_INT, 4, 0);
    for (int i = 0; i < count; i++) {
      long at = HEADER_BYTES + i * ENTRY_BYTES;
      buffer.set(JAVA_INT, at, indices[first + i]);
      buffer.set(JAVA_INT, at + 4, 0);
      buffer.set(JAVA_LONG, at + 8, values[first + i]);
    }
  }

  private void take(int first, int count) {
    for (int i = 0; i < count; i++) {
      values[first + i] = buffer.get(JAVA_LONG, HEADER_BYTES + i * ENTRY_BYTES + 8);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
