package dev.here.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Owns one mmap'ed range. Closing it unmaps the range and makes its segment unusable to every
 * thread (the segment belongs to a shared arena), so a late access throws instead of crashing the
 * JVM. What native code reaches by address (a KVM memory slot) the owner must stop first.
 */
public final class MappedMemory implements AutoCloseable {
  public static final int PROT_NONE = 0;
  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;
  public static final int MADV_WILLNEED = 3;
  public static final int MADV_DONTNEED = 4;
  public static final int MADV_REMOVE = 9;
  public static final int MADV_DONTFORK = 10;
  public static final int MADV_HUGEPAGE = 14;
  public static final int MADV_DONTDUMP = 16;
  public static final int MADV_POPULATE_READ = 22;
  public static final int MADV_POPULATE_WRITE = 23;
  public static final long PAGE_SIZE_BYTES = 4096;

  static final int MAP_SHARED = 1;
  static final int MAP_PRIVATE = 2;
  static final int MAP_ANONYMOUS = 0x20;
  static final int MAP_NORESERVE = 0x4000;

  private static final Downcall LIBC = Downcall.libc();
  private static final NativeFunction MMAP = LIBC.function("mmap");
  private static final NativeFunction MUNMAP = LIBC.function("munmap");
  private static final NativeFunction MADVISE = LIBC.function("madvise");
  private static final NativeFunction MPROTECT = LIBC.function("mprotect");

  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;
  private final AtomicBoolean closed = new AtomicBoolean();

  private MappedMemory(long address, long sizeBytes) {
    this.segment =
        MemorySegment.ofAddress(address)
            .reinterpret(sizeBytes, arena, s -> munmap(s.address(), s.byteSize()));
  }

  /**
   * Maps a file shared, readable and writable.
   *
   * @param offset in bytes, a multiple of the page size
   */
  public static MappedMemory shared(FileDescriptor file, long offset, long sizeBytes) {
    return map(PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), offset, sizeBytes, file.what());
  }

  /** Maps a file shared and readable; a write to the segment would raise SIGSEGV. */
  public static MappedMemory sharedReadOnly(FileDescriptor file, long offset, long sizeBytes) {
    return map(PROT_READ, MAP_SHARED, file.number(), offset, sizeBytes, file.what());
  }

  /** Anonymous zeroed memory of this process; pages are taken when first touched. */
  public static MappedMemory anonymous(long sizeBytes) {
    return map(
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
        -1,
        0,
        sizeBytes,
        "anonymous memory");
  }

  private static MappedMemory map(
      int protection, int flags, int fd, long offset, long sizeBytes, String what) {
    long address = MMAP.callLong(0, sizeBytes, protection, flags, fd, offset);
    if (address < 0) {
      throw new NativeException(
          (int) -address, "mmap of %d bytes of %s at offset %d".formatted(sizeBytes, what, offset));
    }
    return new MappedMemory(address, sizeBytes);
  }

  private static void munmap(long address, long sizeBytes) {
    int result = MUNMAP.callInt(address, sizeBytes);
    if (result != 0) {
      throw new NativeException(
          -result, "munmap of %d bytes at 0x%x".formatted(sizeBytes, address));
    }
  }

  /** The mapped bytes; usable by any thread until {@link #close()}. */
  public MemorySegment segment() {
    return segment;
  }

  /** Host virtual address of the first byte. */
  public long hva() {
    return segment.address();
  }

  public long sizeBytes() {
    return segment.byteSize();
  }

  /** madvise(2) on a part, in bytes from the start. */
  public void advise(long offset, long sizeBytes, int advice) {
    checkPart(offset, sizeBytes);
    int result = tryAdvise(offset, sizeBytes, advice);
    if (result < 0) {
      throw new NativeException(
          -result, "madvise %d of %d bytes at offset 0x%x".formatted(advice, sizeBytes, offset));
    }
  }

  /** As {@link #advise}, but returns 0 or the negated errno: for advice that a kernel may lack. */
  public int tryAdvise(long offset, long sizeBytes, int advice) {
    checkPart(offset, sizeBytes);
    return MADVISE.callInt(hva() + offset, sizeBytes, advice);
  }

  /** mprotect(2) on a part, in bytes from the start; the part must be whole pages. */
  public void protect(long offset, long sizeBytes, int protection) {
    checkPart(offset, sizeBytes);
    int result = MPROTECT.callInt(hva() + offset, sizeBytes, protection);
    if (result != 0) {
      throw new NativeException(
          -result,
          "mprotect %d of %d bytes at offset 0x%x".formatted(protection, sizeBytes, offset));
    }
  }

  private void checkPart(long offset, long sizeBytes) {
    if (offset < 0 || sizeBytes < 0 || offset > sizeBytes() - sizeBytes) {
      throw new IndexOutOfBoundsException(
          "part at %d of %d bytes is outside the mapping of %d bytes"
              .formatted(offset, sizeBytes, sizeBytes()));
    }
  }

  /** Unmaps it once; later calls do nothing. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      arena.close();
    }
  }
}
