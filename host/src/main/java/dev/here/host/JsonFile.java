package dev.here.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Records in JSON files of the run folder, for this user's eyes only: each appears whole or not at
 * all, and replaces the one before.
 */
final class JsonFile {
  static final JsonMapper JSON = JsonMapper.builder().build();

  private JsonFile() {}

  static void write(Path file, Object content) {
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    try {
      Files.deleteIfExists(partial);
      try (WritableByteChannel channel =
          Files.newByteChannel(
              partial,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
        ByteBuffer octets = ByteBuffer.wrap(JSON.writeValueAsBytes(content));
        while (octets.hasRemaining()) {
          channel.write(octets);
        }
      }
      Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new HostException("%s cannot be written: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** Reads a record; empty when there is none, or it cannot be understood. */
  static <T> Optional<T> find(Path file, Class<T> type) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(read(file, type));
    } catch (HostException e) {
      return Optional.empty();
    }
  }

  /**
   * Reads a record.
   *
   * @throws HostException with the path, when it is not there or cannot be understood
   */
  static <T> T read(Path file, Class<T> type) {
    try {
      return JSON.readValue(Files.readString(file), type);
    } catch (IOException | JacksonException e) {
      throw new HostException("%s cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }
}
