package dev.here.vmm;

import dev.here.ffi.Errno;
import dev.here.ffi.FileDescriptor;
import dev.here.ffi.Libc;
import dev.here.ffi.NativeException;
import java.lang.foreign.MemorySegment;

/** A disk in a raw image file or on a block device. */
public final class RawDisk implements BlockBackend {
  private static final int SECTOR_BYTES = 512;

  private final FileDescriptor file;
  private final String path;
  private final long sizeBytes;
  private final boolean readOnly;

  private RawDisk(FileDescriptor file, String path, long sizeBytes, boolean readOnly) {
    this.file = file;
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.readOnly = readOnly;
  }

  /**
   * Opens {@code path}; what lies past the last whole sector is not part of the disk.
   *
   * @throws NativeException when it cannot be opened, with the path
   * @throws BlockErrorException when it holds less than a sector
   */
  public static RawDisk open(String path, boolean readOnly) {
    FileDescriptor file = FileDescriptor.open(path, readOnly ? Libc.O_RDONLY : Libc.O_RDWR);
    long size = Libc.sizeBytes(file.number());
    if (size < SECTOR_BYTES) {
      file.close();
      if (size < 0) {
        throw new NativeException((int) -size, "find the size of " + path);
      }
      throw new BlockErrorException(
          path + " holds " + size + " octets, less than a sector: not a disk image");
    }
    return new RawDisk(file, path, size & -SECTOR_BYTES, readOnly);
  }

  @Override
  public long sizeBytes() {
    return sizeBytes;
  }

  @Override
  public boolean readOnly() {
    return readOnly;
  }

  @Override
  public void read(long offset, MemorySegment target) {
    long done = 0;
    while (done < target.byteSize()) {
      long result =
          Libc.pread(
              file.number(), target.address() + done, target.byteSize() - done, offset + done);
      done += moved("read", result, offset + done, target.byteSize() - done);
    }
  }

  @Override
  public void write(long offset, MemorySegment source) {
    long done = 0;
    while (done < source.byteSize()) {
      long result =
          Libc.pwrite(
              file.number(), source.address() + done, source.byteSize() - done, offset + done);
      done += moved("write", result, offset + done, source.byteSize() - done);
    }
  }

  @Override
  public void flush() {
    int result = Libc.fdatasync(file.number());
    if (result < 0) {
      throw new BlockErrorException("flush " + path + ": " + Errno.name(-result));
    }
  }

  @Override
  public void close() {
    file.close();
  }

  private long moved(String what, long result, long offset, long sizeBytesLeft) {
    if (result == -Errno.EINTR) {
      return 0;
    }
    if (result <= 0) {
      throw new BlockErrorException(
          "%s %d octets at %d of %s: %s"
              .formatted(
                  what,
                  sizeBytesLeft,
                  offset,
                  path,
                  result == 0 ? "the file has become shorter" : Errno.name((int) -result)));
    }
    return result;
  }
}
