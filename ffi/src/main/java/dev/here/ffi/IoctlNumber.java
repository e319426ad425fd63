package dev.here.ffi;

import java.lang.foreign.MemoryLayout;

/** Ioctl request numbers composed as the C macros do (asm-generic/ioctl.h). */
public final class IoctlNumber {
  private static final long WRITE = 1;
  private static final long READ = 2;
  private static final long MAX_SIZE_BYTES = (1 << 14) - 1;

  private IoctlNumber() {}

  /** _IO: no argument, or an integer. */
  public static long none(int type, int number) {
    return compose(0, type, number, 0);
  }

  /** _IOR: the kernel writes a structure of this layout. */
  public static long read(int type, int number, MemoryLayout argument) {
    return compose(READ, type, number, argument.byteSize());
  }

  /** _IOW: the kernel reads a structure of this layout. */
  public static long write(int type, int number, MemoryLayout argument) {
    return compose(WRITE, type, number, argument.byteSize());
  }

  /** _IOWR: the kernel reads and writes a structure of this layout. */
  public static long readWrite(int type, int number, MemoryLayout argument) {
    return compose(READ | WRITE, type, number, argument.byteSize());
  }

  private static long compose(long direction, int type, int number, long sizeBytes) {
    if (sizeBytes > MAX_SIZE_BYTES) {
      throw new IllegalArgumentException("an ioctl's structure of " + sizeBytes + " bytes");
    }
    return direction << 30 | sizeBytes << 16 | (long) type << 8 | number;
  }
}
