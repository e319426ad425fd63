package dev.here.kvm;

import dev.here.ffi.Errno;
import dev.here.ffi.Libc;
import dev.here.ffi.NativeException;
import java.lang.foreign.MemorySegment;

/** Ioctls on KVM's descriptors: EINTR is retried, failures carry the request's C name. */
final class KvmCall {
  private KvmCall() {}

  /** The result, 0 or more. */
  static int checked(int fd, long request, String name, long argument) {
    int result;
    do {
      result = Libc.ioctl(fd, request, argument);
    } while (result == -Errno.EINTR);
    if (result < 0) {
      throw new NativeException(-result, name);
    }
    return result;
  }

  /** As above with a structure. */
  static int checked(int fd, long request, String name, MemorySegment argument) {
    int result = tried(fd, request, argument);
    if (result < 0) {
      throw new NativeException(-result, name);
    }
    return result;
  }

  /** The result or the negated errno, for callers with a better text. */
  static int tried(int fd, long request, MemorySegment argument) {
    int result;
    do {
      result = Libc.ioctl(fd, request, argument);
    } while (result == -Errno.EINTR);
    return result;
  }
}
