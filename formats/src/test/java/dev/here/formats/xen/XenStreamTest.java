package dev.here.formats.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.Bytes;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class XenStreamTest {
  private static final LibxlRecord.End LIBXL_END = new LibxlRecord.End();
  private static final LibxcRecord.Mark LIBXC_END = new LibxcRecord.Mark(LibxcRecordType.END);
  private static final LibxcRecord.Mark CHECKPOINT =
      new LibxcRecord.Mark(LibxcRecordType.CHECKPOINT);
  private static final LibxcRecord.Mark STATIC_END =
      new LibxcRecord.Mark(LibxcRecordType.STATIC_DATA_END);

  @Test
  void whatXlSavedIsWrittenBackToTheSameOctets() throws IOException {
    byte[] saved = XenGolden.octets("hvm-1cpu.xlsave");
    assertThat(written(XenGolden.items(saved))).isEqualTo(saved);
  }

  @Test
  void recordsOfWhatXlSaved() throws IOException {
    List<XenStreamItem> items = XenGolden.items(XenGolden.octets("hvm-1cpu.xlsave"));
    assertThat(items.getFirst())
        .isInstanceOfSatisfying(
            XlSaveHeader.class,
            header ->
                assertThat(
                        new String(
                            header.configuration().orElseThrow().toArray(), StandardCharsets.UTF_8))
                    .contains("\"name\": \"demo\"")
                    .endsWith("}\n"));
    assertThat(items.get(1)).isEqualTo(new LibxlHeader(0));
    assertThat(items.get(3)).isEqualTo(LibxcHeader.hvm(4, 17));
    assertThat(items.stream().map(item -> item.getClass().getSimpleName()))
        .containsExactly(
            "XlSaveHeader",
            "LibxlHeader",
            "LibxcContext",
            "LibxcHeader",
            "CpuidPolicy",
            "MsrPolicy",
            "Mark",
            "PageData",
            "PageData",
            "TscInfo",
            "HvmContextRecord",
            "HvmParams",
            "Mark",
            "EmulatorContext",
            "End");
    assertThat(items.get(9)).isEqualTo(new LibxcRecord.TscInfo(2, 0, 0, 1, 0));
    HvmContext context = ((LibxcRecord.HvmContextRecord) items.get(10)).decode();
    assertThat(context.header().tscKhz()).isEqualTo(2_596_159);
    assertThat(((LibxcRecord.HvmParams) items.get(11)).params())
        .contains(new LibxcRecord.Param(1, 0xfeffc), new LibxcRecord.Param(19, 1));
    assertThat(((LibxcRecord.CpuidPolicy) items.get(4)).leaves())
        .contains(
            new XenCpuidLeaf(1, XenCpuidLeaf.NO_SUBLEAF, 0x60fb1, 0x20800, 0xc2f82203, 0x1fcbfbfd));
    assertThat(((LibxlRecord.EmulatorContext) items.get(13)).emulatorId())
        .isEqualTo(LibxlRecord.QEMU_UPSTREAM);
  }

  @Test
  void inspectorShowsEachRecordOnce() throws IOException {
    var reader =
        new XenStreamReader(
            Channels.newChannel(new ByteArrayInputStream(XenGolden.octets("hvm-1cpu.xlsave"))));
    var text = new ArrayList<String>();
    var json = new ArrayList<String>();
    for (var item = reader.next(); item.isPresent(); item = reader.next()) {
      text.addAll(XenStreamText.text(reader.itemPosition(), item.get()));
      json.addAll(XenStreamText.json(reader.itemPosition(), item.get()));
    }
    assertThat(text).hasSize(15 + 17).hasSameSizeAs(json);
    assertThat(text.get(7)).startsWith("at=").contains("libxc PAGE_DATA pages=1024 withContents=");
    assertThat(json).allMatch(line -> line.startsWith("{") && !line.contains("\n"));
    assertThat(json).anyMatch(line -> line.contains("\"record\":\"PMTIMER\""));
  }

  @Test
  void checkpointsGoRoundAndComeBack() throws IOException {
    var page = new byte[LibxcRecord.PageData.PAGE_BYTES];
    Arrays.fill(page, (byte) 7);
    var pages =
        new LibxcRecord.PageData(
            0,
            List.of(
                LibxcRecord.PageEntry.normal(9), new LibxcRecord.PageEntry(0xf000000000000010L)),
            page);
    var emulator = new LibxlRecord.EmulatorContext(2, 0, Bytes.parse("010203"));
    var xenstore =
        new LibxlRecord.EmulatorXenstoreData(
            2, 0, Bytes.of("physmap/1/name\0ram\0a\0\0".getBytes(StandardCharsets.US_ASCII)));
    List<XenStreamItem> items =
        List.of(
            new LibxlHeader(0),
            new LibxlRecord.LibxcContext(),
            LibxcHeader.hvm(4, 17),
            STATIC_END,
            pages,
            CHECKPOINT,
            xenstore,
            emulator,
            new LibxlRecord.CheckpointEnd(),
            pages,
            new LibxcRecord.Optional(0x80000001L, Bytes.parse("ff")),
            new LibxcRecord.Opaque(LibxcRecordType.TOOLSTACK, Bytes.parse("aa55")),
            new LibxcRecord.Mark(LibxcRecordType.VERIFY),
            LIBXC_END,
            new LibxlRecord.CheckpointState(1, 0),
            new LibxlRecord.Optional(0x80000002L, Bytes.EMPTY),
            LIBXL_END);
    byte[] octets = written(items);
    List<XenStreamItem> back = XenGolden.items(octets);
    assertThat(back).hasSameSizeAs(items);
    assertThat(written(back)).isEqualTo(octets);
    assertThat(((LibxlRecord.EmulatorXenstoreData) back.get(6)).entries())
        .containsEntry("physmap/1/name", "ram")
        .containsEntry("a", "");
    assertThat(((LibxcRecord.PageData) back.get(9)).pages()).isEqualTo(page);
  }

  @Test
  void refusals() throws IOException {
    byte[] start = written(List.of(new LibxlHeader(0), new LibxlRecord.LibxcContext()));
    byte[] begun = HvmContextTest.joined(start, written(List.of(LibxcHeader.hvm(4, 17))));
    refused("neither a file of xl save", new byte[8]);
    refused(
        "magic of xl save",
        "Xen saved domain, other format of it".getBytes(StandardCharsets.US_ASCII));
    refused("is mandatory and not known", begun, record(0x13, 8));
    refused("is mandatory and not known", written(List.of(new LibxlHeader(0))), record(6, 0));
    refused("before STATIC_DATA_END", begun, page(0, 1));
    refused("must have 1 to 1024", begun, record(1, 8));
    refused("type 5, not known", begun, page(5L << 60, 1));
    refused("4096 octets for 0 pages", begun, page(15L << 60, 1));
    refused("octets too many", begun, record(0x10, 8));
    refused("shorter than its contents", begun, record(8, 23));
    refused("at most", begun, record(9, 0x7fffffff));
    refused(
        "other than zeros",
        begun,
        new byte[] {5, 0, 0, (byte) 0x80, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
    refused(
        "of type 1 with pages", start, written(List.of(new LibxcHeader(3, 0, 0, 1, 12, 0, 4, 17))));
    refused("big-endian", start, written(List.of(new LibxcHeader(3, 1, 0, 2, 12, 0, 4, 17))));
    refused(
        "not version 2 or 3", start, written(List.of(new LibxcHeader(4, 0, 0, 2, 12, 0, 4, 17))));
    refused("mandatory flags", written(List.of(new XlSaveHeader(6, 0, Bytes.EMPTY))));
    assertThatThrownBy(() -> XenGolden.items(begun))
        .isInstanceOf(EOFException.class)
        .hasMessageContaining("cut short");
    assertThatThrownBy(
            () -> new LibxlRecord.EmulatorXenstoreData(2, 0, Bytes.parse("6100")).entries())
        .hasMessageContaining("do not end");
    assertThatThrownBy(() -> new XlSaveHeader(3, 0, Bytes.parse("0900000041")).configuration())
        .hasMessageContaining("announces 9");
  }

  private static byte[] record(int type, int length) {
    byte[] body = new byte[length > 1 << 20 ? 0 : length + 7 & ~7];
    return new XenStreamOutput().u32(type).u32(length).octets(body).toArray();
  }

  private static byte[] page(long bits, int contents) {
    byte[] body = new byte[contents * 4096];
    return new XenStreamOutput()
        .u32(1)
        .u32(16 + body.length)
        .u32(1)
        .u32(0)
        .u64(bits)
        .octets(body)
        .toArray();
  }

  private static void refused(String text, byte[]... parts) {
    assertThatThrownBy(() -> XenGolden.items(HvmContextTest.joined(parts)))
        .isInstanceOf(XenFormatException.class)
        .hasMessageContaining(text);
  }

  static byte[] written(List<? extends XenStreamItem> items) throws IOException {
    var out = new ByteArrayOutputStream();
    var writer = new XenStreamWriter(Channels.newChannel(out));
    for (XenStreamItem item : items) {
      writer.write(item);
    }
    assertThat(writer.position()).isEqualTo(out.size());
    return out.toByteArray();
  }
}
