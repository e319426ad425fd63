package dev.here.vmm;

import java.lang.foreign.MemorySegment;

/**
 * What a virtual disk's octets are kept in. Calls come from one thread, without the platform's
 * lock; ranges lie within {@link #sizeBytes}. Segments are native memory.
 */
public interface BlockBackend extends AutoCloseable {
  /** A multiple of 512. */
  long sizeBytes();

  boolean readOnly();

  /**
   * Fills {@code target} from {@code offset} on.
   *
   * @throws BlockErrorException when the medium cannot
   */
  void read(long offset, MemorySegment target);

  /**
   * Writes all of {@code source} from {@code offset} on.
   *
   * @throws BlockErrorException when the medium cannot
   */
  void write(long offset, MemorySegment source);

  /**
   * Returns once everything written is on the medium.
   *
   * @throws BlockErrorException when the medium cannot
   */
  void flush();

  @Override
  void close();
}
