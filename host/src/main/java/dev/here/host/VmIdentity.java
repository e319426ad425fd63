package dev.here.host;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.UUID;

/** What a VM is called on all hosts: its name is its identity. */
final class VmIdentity {
  private VmIdentity() {}

  static UUID of(String name) {
    return UUID.nameUUIDFromBytes(("here:" + name).getBytes(StandardCharsets.UTF_8));
  }

  /** The name of a VM that is known by its control socket: the file's name without its ending. */
  static String nameOf(Path socket) {
    String file = String.valueOf(socket.getFileName());
    int dot = file.lastIndexOf('.');
    return dot > 0 ? file.substring(0, dot) : file;
  }
}
