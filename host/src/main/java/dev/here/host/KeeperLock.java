package dev.here.host;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * One keeper a folder. A keeper has this from its first act on and loses it by its end alone,
 * whatever that is: a daemon sees by it that one is at work which has not yet said who it is, as
 * where an earlier daemon was killed right after it had started one.
 *
 * <p>A lock of fcntl(2): a process that opens the file a second time and closes that loses it, so a
 * keeper must not ask {@link #isHeld}.
 */
final class KeeperLock implements AutoCloseable {
  private static final String FILE = "keeper.lock";
  private static final long POLL_NANOS = 20_000_000;

  private final FileChannel file;

  private KeeperLock(FileChannel file) {
    this.file = file;
  }

  /**
   * Takes it. Who has it may be a daemon that looks, for an instant, or a keeper whose memory the
   * kernel takes back.
   *
   * @param limit how long it is waited for
   * @return empty when another keeper still has it then
   * @throws HostException when the folder cannot be used
   */
  static Optional<KeeperLock> take(Path folder, Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    FileChannel file = open(folder);
    while (!lock(file, folder)) {
      if (System.nanoTime() - deadline > 0) {
        close(file);
        return Optional.empty();
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    return Optional.of(new KeeperLock(file));
  }

  /**
   * Whether another process has it.
   *
   * @throws HostException when that cannot be seen
   */
  static boolean isHeld(Path folder) {
    FileChannel file = open(folder);
    try {
      return !lock(file, folder);
    } finally {
      close(file);
    }
  }

  private static FileChannel open(Path folder) {
    try {
      return FileChannel.open(
          folder.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw unusable(folder, e);
    }
  }

  private static boolean lock(FileChannel file, Path folder) {
    try {
      FileLock lock = file.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    } catch (IOException e) {
      close(file);
      throw unusable(folder, e);
    }
  }

  private static HostException unusable(Path folder, IOException cause) {
    return new HostException(
        "%s cannot be locked: %s".formatted(folder.resolve(FILE), cause.getMessage()), cause);
  }

  private static void close(FileChannel file) {
    try {
      file.close();
    } catch (IOException e) {
      // Nothing was written to it, and its lock is gone.
    }
  }

  @Override
  public void close() {
    close(file);
  }
}
