package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelPartsTest {

  /** A frame of one block: 4 literals "abcd", a match of 8 at distance 4, 5 literals "12345". */
  private static byte[] lz4Frame() {
    byte[] block = {0x44, 'a', 'b', 'c', 'd', 4, 0, 0x50, '1', '2', '3', '4', '5'};
    return ByteBuffer.allocate(8 + block.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(LegacyLz4.MAGIC)
        .putInt(block.length)
        .put(block)
        .array();
  }

  @Test
  void unpacksLiteralsAndOverlappingMatches() {
    assertThat(LegacyLz4.unpack(lz4Frame()))
        .isEqualTo("abcdabcdabcd12345".getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void refusesDamagedFrames() {
    byte[] wrongMagic = lz4Frame();
    wrongMagic[0] = 0;
    byte[] tooLong = lz4Frame();
    tooLong[4] = 100;
    byte[] farMatch = lz4Frame();
    farMatch[13] = 9;
    for (byte[] frame : List.of(wrongMagic, tooLong, farMatch, new byte[2])) {
      assertThatThrownBy(() -> LegacyLz4.unpack(frame)).isInstanceOf(LabException.class);
    }
  }

  @Test
  void unpacksABzImage(@TempDir Path folder) throws IOException {
    byte[] elf = {0x7f, 'E', 'L', 'F', 1, 2, 3};
    byte[] block = ByteBuffer.allocate(8).put((byte) 0x70).put(elf).array();
    ByteBuffer image = ByteBuffer.allocate(1024 + 16 + 16 + 4).order(ByteOrder.LITTLE_ENDIAN);
    image.put(0x1f1, (byte) 1).putInt(0x202, 0x53726448).putInt(0x248, 16).putInt(0x24c, 20);
    image.position(1024 + 16);
    image.putInt(LegacyLz4.MAGIC).putInt(8).put(block).putInt(elf.length);
    Path bzImage = Files.write(folder.resolve("vmlinuz"), image.array());
    KernelImage.unpack(bzImage, folder.resolve("vmlinux"));
    assertThat(folder.resolve("vmlinux")).hasBinaryContent(elf);
  }

  @Test
  void refusesWhatIsNoKernel(@TempDir Path folder) throws IOException {
    Path file = Files.write(folder.resolve("x"), new byte[2048]);
    assertThatThrownBy(() -> KernelImage.unpack(file, folder.resolve("y")))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("no bzImage");
  }

  @Test
  void ordersModulesAfterWhatTheyNeed(@TempDir Path folder) throws IOException {
    Files.writeString(
        folder.resolve("modules.dep"),
        """
        kernel/a/virtio-pci.ko: kernel/a/virtio.ko kernel/a/virtio_ring.ko
        kernel/a/virtio.ko: kernel/a/virtio_ring.ko
        kernel/a/virtio_ring.ko:
        kernel/b/other.ko:
        """);
    assertThat(new KernelModules(folder).closure(List.of("virtio_pci", "built_in")))
        .containsExactly(
            folder.resolve("kernel/a/virtio_ring.ko"),
            folder.resolve("kernel/a/virtio.ko"),
            folder.resolve("kernel/a/virtio-pci.ko"));
  }

  @Test
  void writesAnInitrdThatAnArchiverReads(@TempDir Path folder) throws IOException {
    Path module = Files.write(folder.resolve("m.ko"), new byte[] {1, 2, 3});
    Path initrd = folder.resolve("initrd.cpio");
    new Initrd()
        .addFile("init", "#!/bin/sh\n".getBytes(StandardCharsets.UTF_8))
        .addModules(List.of(module))
        .write(initrd);
    byte[] bytes = Files.readAllBytes(initrd);
    assertThat(bytes.length % 4).isZero();
    assertThat(new String(bytes, 0, 6, StandardCharsets.US_ASCII)).isEqualTo("070701");
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    assertThat(text).contains("init\0", "modules/m.ko\0", "modules/order\0", "TRAILER!!!\0");
    // Each header stands on a multiple of 4: that is how a reader finds the next entry.
    for (int at = text.indexOf("070701"); at >= 0; at = text.indexOf("070701", at + 1)) {
      assertThat(at % 4).isZero();
    }
  }
}
