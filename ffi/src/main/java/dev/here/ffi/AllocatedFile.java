package dev.here.ffi;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Makes files whose room is taken when they are made (fallocate(2)): who maps one never gets SIGBUS
 * because the file system has become full.
 */
public final class AllocatedFile {
  private static final int OWNER_ONLY = 0600;

  private AllocatedFile() {}

  /**
   * A zeroed file for this user alone, in place of what was at the path.
   *
   * @throws NativeException ENOSPC: no room; EOPNOTSUPP: a file system that cannot promise room
   */
  public static FileDescriptor create(Path path, long sizeBytes) {
    remove(path);
    FileDescriptor file =
        FileDescriptor.of(
            Libc.open(
                path.toString(),
                Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL | Libc.O_CLOEXEC,
                OWNER_ONLY),
            path.toString(),
            "create " + path);
    int result = Libc.fallocate(file.number(), sizeBytes);
    if (result < 0) {
      file.close();
      remove(path);
      throw new NativeException(-result, "take %d bytes for %s".formatted(sizeBytes, path));
    }
    return file;
  }

  private static void remove(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
