package dev.here.driver.qemu;

import dev.here.formats.qemu.MigrationStreamReader;
import dev.here.formats.qemu.QemuCaptureInstant;
import dev.here.formats.qemu.QemuMachineTranslator;
import dev.here.formats.qemu.QemuMigrationFile;
import dev.here.formats.qemu.RamBlock;
import dev.here.formats.qemu.RamSink;
import dev.here.formats.state.MachineStateCodec;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Translates a sample guest, so that the classes are loaded before the first checkpoint of the real
 * one: the first translation of a process takes seconds on a slow host, later ones milliseconds.
 * The sample is what QEMU 7.2 sent of a guest with two vCPUs, with three pages of each RAM block
 * (README.md beside the files).
 */
final class TranslationWarmUp {
  private static final Logger LOG = LoggerFactory.getLogger(TranslationWarmUp.class);

  private static final RamSink NOWHERE =
      new RamSink() {
        @Override
        public void blocks(List<RamBlock> blocks) {}

        @Override
        public void page(int block, long offset, MemorySegment source, long sourceOffset) {}

        @Override
        public void zeroPage(int block, long offset) {}
      };

  private TranslationWarmUp() {}

  /** Begins in the background; a failure is logged and has no other effect. */
  static void begin() {
    Thread.ofPlatform()
        .name("translation-warm-up")
        .daemon()
        .start(() -> {
          try {
            long began = System.nanoTime();
            int octets = run();
            LOG.info(
                "translation warmed up in {} ms, the sample has {} octets",
                (System.nanoTime() - began) / 1_000_000,
                octets);
          } catch (IOException | RuntimeException e) {
            LOG.warn(
                "the translation could not be warmed up, the first checkpoint takes longer", e);
          }
        });
  }

  /** Translates the sample once; the octets of the encoded state. */
  static int run() throws IOException {
    var source = Channels.newChannel(new ByteArrayInputStream(unpacked("stream")));
    var file =
        new QemuMigrationFile(new MigrationStreamReader(source).read(NOWHERE), MemorySegment.NULL);
    QemuMachineTranslator.Translation translation =
        file.translate(
            "sample", text("mtree"), text("pci"), text("cpuid"), new QemuCaptureInstant(1, 1));
    return MachineStateCodec.encode(translation.state()).length;
  }

  private static String text(String kind) throws IOException {
    return new String(unpacked(kind), StandardCharsets.UTF_8);
  }

  private static byte[] unpacked(String kind) throws IOException {
    String name = "sample." + kind + ".gz";
    try (InputStream file = TranslationWarmUp.class.getResourceAsStream(name)) {
      if (file == null) {
        throw new FileNotFoundException("resource " + name);
      }
      return new GZIPInputStream(file).readAllBytes();
    }
  }
}
