package dev.here.formats.qemu;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * Bytes that a real QEMU wrote (see README.md beside the files) and what tests need around them.
 */
final class Golden {
  private Golden() {}

  static byte[] stream(String name) {
    return unpacked(name + ".stream");
  }

  /** The text of an {@code info} command that was given beside the stream. */
  static String text(String name) {
    return new String(unpacked(name), StandardCharsets.UTF_8);
  }

  static VmState state(MigrationStream stream) {
    return VmStateReader.read(stream.schema().orElseThrow(), stream.deviceState());
  }

  private static byte[] unpacked(String name) {
    try (InputStream file = Golden.class.getResourceAsStream(name + ".gz")) {
      if (file == null) {
        throw new IllegalArgumentException("no golden file " + name);
      }
      return new GZIPInputStream(file).readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static MigrationStream read(byte[] stream) throws IOException {
    return new MigrationStreamReader(channel(stream)).read(new Pages());
  }

  static ReadableByteChannel channel(byte[] bytes) {
    return Channels.newChannel(new ByteArrayInputStream(bytes));
  }

  /** Notes the pages: {@code block@offset=first octet} or {@code block@offset=zero}. */
  static final class Pages implements RamSink {
    final List<String> seen = new ArrayList<>();
    List<RamBlock> blocks = List.of();

    @Override
    public void blocks(List<RamBlock> announced) {
      blocks = announced;
    }

    @Override
    public void page(int blockIndex, long offsetInBlock, MemorySegment source, long sourceOffset) {
      byte first = source.get(java.lang.foreign.ValueLayout.JAVA_BYTE, sourceOffset);
      source.asSlice(sourceOffset, PAGE_BYTES);
      seen.add(blocks.get(blockIndex).name() + "@" + offsetInBlock + "=" + (first & 0xff));
    }

    @Override
    public void zeroPage(int blockIndex, long offsetInBlock) {
      seen.add(blocks.get(blockIndex).name() + "@" + offsetInBlock + "=zero");
    }
  }
}
