package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class MigrationStreamReaderTest {
  @Test
  void readsWhatQemuWrote() throws IOException {
    var pages = new Golden.Pages();
    byte[] bytes = Golden.stream("tcg-default");
    MigrationStream stream = new MigrationStreamReader(Golden.channel(bytes)).read(pages);

    assertThat(stream.machineType()).contains("pc-i440fx-7.2");
    assertThat(stream.colo()).isFalse();
    assertThat(stream.ramBlocks())
        .extracting(RamBlock::name)
        .startsWith("pc.ram", "0000:00:02.0/vga.vram", "/rom@etc/acpi/tables", "pc.bios");
    assertThat(stream.ramBlocks().get(1).backingOffset()).isEqualTo(32L << 20);
    assertThat(pages.seen).contains("pc.ram@0=83");
    assertThat(stream.ram().pages() + stream.ram().zeroPages()).isEqualTo(pages.seen.size());
    assertThat(stream.schema().orElseThrow().sections()).hasSizeGreaterThan(30);
    assertThat(stream.deviceState()).startsWith(4).endsWith(0);
  }

  @Test
  void readsAFileWithoutRamAndDescription() throws IOException {
    byte[] file = new StreamBytes().u32(0x5145564d).u32(3).port92().bytes();
    MigrationStream stream = Golden.read(file);

    assertThat(stream.machineType()).isEmpty();
    assertThat(stream.schema()).isEmpty();
    assertThat(stream.deviceState()).hasSize(file.length - 8);
  }

  @Test
  void aFalseDescriptionInADevicesBufferIsPassedOver() throws IOException {
    byte[] fake =
        new StreamBytes()
            .u8(0)
            .u8(6)
            .u32(30)
            .raw("{\"page_size\": 1, \"devices\": []}".getBytes(StandardCharsets.UTF_8))
            .bytes();
    String json =
        "{\"page_size\": 4096, \"devices\": [{\"name\": \"x\", \"instance_id\": 0, \"vmsd_name\":"
            + " \"x\", \"version\": 1, \"fields\": [{\"name\": \"b\", \"type\": \"buffer\","
            + " \"size\": "
            + fake.length
            + "}]}]}";
    byte[] bytes =
        new StreamBytes()
            .header("pc")
            .u8(4)
            .u32(3)
            .name("x")
            .u32(0)
            .u32(1)
            .raw(fake)
            .footer(3)
            .u8(0)
            .u8(6)
            .u32(json.length())
            .raw(json.getBytes(StandardCharsets.UTF_8))
            .bytes();
    MigrationStream stream = Golden.read(bytes);

    assertThat(stream.schema().orElseThrow().sections()).hasSize(1);
  }

  static Stream<Arguments> refusals() {
    return Stream.of(
        refusal("not a QEMU migration stream", new StreamBytes().u32(1).u32(3)),
        refusal("version 2", new StreamBytes().u32(0x5145564d).u32(2)),
        refusal("machine name of -1", new StreamBytes().u32(0x5145564d).u32(3).u8(7).u32(-1)),
        refusal("second configuration", head().u8(7).u32(1).u8('x')),
        refusal(
            "switch it off",
            head().u8(5).name("configuration/capabilities").u32(1).u32(1).name("multifd")),
        refusal("not known", head().u8(5).name("configuration/x").u32(1)),
        refusal("unknown type", head().u8(9)),
        refusal("postcopy must be off", head().u8(8).u16(3).u16(0)),
        refusal("'dirty-bitmap'", head().u8(1).u32(2).name("dirty-bitmap").u32(0).u32(1)),
        refusal("has not started", head().u8(2).u32(2)),
        refusal("flags 0x8", ram().u64(8)),
        refusal("absurd", ram().u64(4)),
        refusal("has size", ram().u64(0x1000 | 4).name("pc.ram").u64(0x2000)),
        refusal("has size", ram().u64(0x2000 | 4).name("pc.ram").u64(0x1800)),
        refusal("comes twice", ram().u64(0x2000 | 4).name("a").u64(0x1000).name("a").u64(0x1000)),
        refusal("before any block", pages().u64(8 | 0x20)),
        refusal("not announced", pages().u64(8).name("other")),
        refusal("offset 0x10000", pages().u64(0x10000 | 8).name("pc.ram")),
        refusal("only zero pages", pages().u64(2).name("pc.ram").u8(7)),
        refusal("xbzrle", pages().u64(0x40).name("pc.ram")),
        refusal("'compress'", pages().u64(0x100).name("pc.ram")),
        refusal("in place of its footer", pages().u64(0x10).footer(3)));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void refuses(String reason, byte[] stream) {
    assertThatThrownBy(() -> Golden.read(stream))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining(reason)
        .hasMessageStartingWith("byte ");
  }

  @Test
  void everyCutIsNoticed() {
    byte[] whole = StreamBytes.colo(7).bytes();
    for (int length = 0; length < whole.length; length += length > 300 && length < 4200 ? 97 : 1) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> Golden.read(cut))
          .as("cut at %d", length)
          .isInstanceOf(EOFException.class);
    }
  }

  private static Arguments refusal(String reason, StreamBytes stream) {
    return Arguments.of(reason, stream.bytes());
  }

  private static StreamBytes head() {
    return new StreamBytes().header("pc");
  }

  private static StreamBytes ram() {
    return head().u8(1).u32(2).name("ram").u32(0).u32(4);
  }

  private static StreamBytes pages() {
    return head().ramStart().u8(2).u32(2);
  }
}
