package dev.here.ffi;

import java.lang.foreign.Arena;

/**
 * Makes and checks memfds: files in memory that can be passed to another process and mapped there.
 * Guest memory is sealed against shrinking and growing, so that nobody who has the descriptor can
 * make another process fault with SIGBUS (memfd_create(2), fcntl(2) on F_ADD_SEALS).
 */
public final class MemFile {
  public static final int F_SEAL_SEAL = 1;
  public static final int F_SEAL_SHRINK = 2;
  public static final int F_SEAL_GROW = 4;
  public static final int F_SEAL_WRITE = 8;
  private static final int F_ADD_SEALS = 1033;
  private static final int F_GET_SEALS = 1034;
  private static final int MFD_CLOEXEC = 1;
  private static final int MFD_ALLOW_SEALING = 2;
  private static final int MFD_HUGETLB = 4;

  private static final NativeFunction MEMFD_CREATE = Downcall.libc().function("memfd_create");

  private MemFile() {}

  /** A zeroed memfd of a fixed size in small pages, sealed against shrinking and growing. */
  public static FileDescriptor create(String name, long sizeBytes) {
    return create(name, sizeBytes, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }

  /**
   * As {@link #create(String, long)}, of the host's default huge pages.
   *
   * @throws NativeException ENOMEM or ENOSYS come first when it is mapped: the host may have none
   *     reserved
   */
  public static FileDescriptor createHuge(String name, long sizeBytes) {
    return create(name, sizeBytes, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
  }

  private static FileDescriptor create(String name, long sizeBytes, int flags) {
    FileDescriptor file =
        FileDescriptor.of(memfdCreate(name, flags), "memfd " + name, "memfd_create " + name);
    try {
      int result = Libc.ftruncate(file.number(), sizeBytes);
      if (result < 0) {
        throw new NativeException(
            -result, "set the size of memfd %s to %d bytes".formatted(name, sizeBytes));
      }
      seal(file, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
      return file;
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static int memfdCreate(String name, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      return MEMFD_CREATE.callInt(arena.allocateFrom(name).address(), flags);
    }
  }

  private static void seal(FileDescriptor file, int seals) {
    int result = Libc.fcntl(file.number(), F_ADD_SEALS, seals);
    if (result < 0) {
      throw new NativeException(-result, "seal " + file.what());
    }
  }

  /** The F_SEAL_ bits of a memfd, for example of one that another process sent. */
  public static int seals(FileDescriptor file) {
    int seals = Libc.fcntl(file.number(), F_GET_SEALS, 0);
    if (seals < 0) {
      throw new NativeException(-seals, "read the seals of " + file.what());
    }
    return seals;
  }

  /**
   * Refuses a received descriptor that isn't a memfd of exactly this size with fixed size.
   *
   * @throws IllegalArgumentException with what is wrong
   */
  public static void requireSealed(FileDescriptor file, long sizeBytes) {
    int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
    int seals = seals(file);
    if ((seals & wanted) != wanted) {
      throw new IllegalArgumentException(
          "%s has seals 0x%x: it must be sealed against shrinking and growing"
              .formatted(file.what(), seals));
    }
    long size = Libc.sizeBytes(file.number());
    if (size != sizeBytes) {
      throw new IllegalArgumentException(
          "%s has %d bytes, expected %d".formatted(file.what(), size, sizeBytes));
    }
  }
}
