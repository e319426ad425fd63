package dev.here.lab;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Unpacks the ELF kernel from a bzImage, so that a machine starts it without decompressing it
 * itself. Layout of the header: Linux, Documentation/arch/x86/boot.rst.
 */
final class KernelImage {
  private static final int SETUP_SECTORS = 0x1f1;
  private static final int HEADER_MAGIC = 0x202;
  private static final int PAYLOAD_OFFSET = 0x248;
  private static final int PAYLOAD_LENGTH = 0x24c;
  private static final int HDRS = 0x53726448;
  private static final int ELF = 0x464c457f;

  private KernelImage() {}

  /**
   * Writes the unpacked kernel of {@code bzImage} to {@code vmlinux}; xz, gzip, zstd and LZ4
   * payloads.
   */
  static void unpack(Path bzImage, Path vmlinux) {
    try {
      byte[] image = Files.readAllBytes(bzImage);
      ByteBuffer header = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
      if (image.length < PAYLOAD_LENGTH + 4 || header.getInt(HEADER_MAGIC) != HDRS) {
        throw new LabException(bzImage + " is no bzImage: its boot header is missing");
      }
      int setup = (image[SETUP_SECTORS] & 0xff) == 0 ? 4 : image[SETUP_SECTORS] & 0xff;
      int start = (setup + 1) * 512 + header.getInt(PAYLOAD_OFFSET);
      // The last four bytes are the unpacked size, which is no part of the compressed stream.
      int length = header.getInt(PAYLOAD_LENGTH) - 4;
      if (length <= 0 || start < 0 || start > image.length - length) {
        throw new LabException(
            "%s: payload of %d bytes at %d does not lie in its %d bytes"
                .formatted(bzImage, length, start, image.length));
      }
      unpack(Arrays.copyOfRange(image, start, start + length), vmlinux);
      checkElf(vmlinux);
    } catch (IOException e) {
      throw new LabException("%s cannot be unpacked: %s".formatted(bzImage, e.getMessage()), e);
    }
  }

  private static void unpack(byte[] payload, Path vmlinux) throws IOException {
    if (ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN).getInt() == LegacyLz4.MAGIC) {
      Files.write(vmlinux, LegacyLz4.unpack(payload));
      return;
    }
    Path packed = Files.createTempFile(vmlinux.getParent(), "payload-", ".bin");
    try {
      Files.write(packed, payload);
      String script = unpacker(payload) + " <\"$1\" >\"$2\"";
      Tool.run("sh", "-c", script, "sh", packed.toString(), vmlinux.toString());
    } finally {
      Files.delete(packed);
    }
  }

  private static String unpacker(byte[] payload) {
    int magic = (payload[0] & 0xff) << 8 | payload[1] & 0xff;
    return switch (magic) {
      case 0xfd37 -> "xz -dc";
      case 0x1f8b -> "gzip -dc";
      case 0x28b5 -> "zstd -dc";
      default -> throw new LabException("kernel payload with unknown magic %04x".formatted(magic));
    };
  }

  private static void checkElf(Path vmlinux) throws IOException {
    try (var in = Files.newInputStream(vmlinux)) {
      byte[] head = in.readNBytes(4);
      if (head.length < 4 || ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt() != ELF) {
        throw new LabException(
            vmlinux + " is no ELF file: the kernel's payload is of another kind");
      }
    }
  }
}
