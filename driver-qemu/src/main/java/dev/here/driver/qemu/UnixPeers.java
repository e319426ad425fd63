package dev.here.driver.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What the kernel tells about a Unix socket's ends (/proc/net/unix, layout in the kernel's
 * net/unix/af_unix.c): used to say why a QMP socket does not greet.
 */
final class UnixPeers {
  private static final Path TABLE = Path.of("/proc/net/unix");
  private static final String LISTENING_FLAG = "00010000";
  private static final String STATE_CONNECTED = "03";
  private static final int STATE_COLUMN = 5;
  private static final int FLAGS_COLUMN = 3;
  private static final int PATH_COLUMN = 7;

  private UnixPeers() {}

  /** Why a connection to {@code socket} was taken by the kernel but got no greeting. */
  static String silenceReason(Path socket) {
    try {
      return silenceReason(Files.readAllLines(TABLE), socket);
    } catch (IOException e) {
      return "another client holds the socket, or QEMU hangs";
    }
  }

  static String silenceReason(List<String> table, Path socket) {
    String path = socket.toAbsolutePath().toString();
    for (String line : table) {
      String[] columns = line.trim().split("\\s+", PATH_COLUMN + 1);
      if (columns.length > PATH_COLUMN
          && (columns[PATH_COLUMN].equals(path) || columns[PATH_COLUMN].equals(socket.toString()))
          && columns[STATE_COLUMN].equals(STATE_CONNECTED)
          && !columns[FLAGS_COLUMN].equals(LISTENING_FLAG)) {
        return "another client holds the socket; a QMP socket serves one at a time, so end that"
            + " client or start QEMU with a second -qmp socket for HERE";
      }
    }
    return "QEMU hangs, is stopped by a signal, or is overloaded";
  }
}
