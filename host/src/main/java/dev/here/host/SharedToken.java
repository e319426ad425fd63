package dev.here.host;

import dev.here.formats.wire.Handshake;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** The secret that peers share, from its file. */
final class SharedToken {
  private static final int MIN_BYTES = 16;
  private static final int MAX_BYTES = 4096;

  private SharedToken() {}

  /** What a peer must prove to know; white space at the file's end does not count. */
  static Handshake handshake(Path file) {
    try {
      byte[] octets = Files.readAllBytes(file);
      int length = Math.min(octets.length, MAX_BYTES);
      while (length > 0 && octets[length - 1] <= ' ' && octets[length - 1] >= 0) {
        length--;
      }
      if (length < MIN_BYTES) {
        throw new HostException(
            "%s holds %d octets, a token needs %d: head -c 32 /dev/urandom | base64 > %s"
                .formatted(file, length, MIN_BYTES, file));
      }
      return new Handshake(Arrays.copyOf(octets, length));
    } catch (IOException e) {
      throw new HostException(
          "cannot read the token file %s: %s".formatted(file, e.getMessage()), e);
    }
  }
}
