package dev.here.vmm;

import dev.here.ffi.FileDescriptor;
import dev.here.ffi.MappedMemory;
import dev.here.ffi.MemFile;
import java.lang.foreign.MemorySegment;

/**
 * The backing file of guest memory: a sealed memfd, mapped. Its pages are taken when first touched.
 */
final class GuestBacking implements AutoCloseable {
  private final FileDescriptor file;
  private final MappedMemory mapping;

  /** Zeroed memory. */
  GuestBacking(long sizeBytes) {
    file = MemFile.create("guest-memory", sizeBytes);
    try {
      mapping = MappedMemory.shared(file, 0, sizeBytes);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
    mapping.tryAdvise(0, sizeBytes, MappedMemory.MADV_DONTDUMP);
  }

  /** For passing to another process. */
  FileDescriptor file() {
    return file;
  }

  MemorySegment memory() {
    return mapping.segment();
  }

  @Override
  public void close() {
    mapping.close();
    file.close();
  }
}
