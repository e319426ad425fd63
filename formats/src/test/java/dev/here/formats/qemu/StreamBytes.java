package dev.here.formats.qemu;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Builds streams octet by octet for tests; shares no code with the readers. */
final class StreamBytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  StreamBytes u8(int value) {
    out.write(value);
    return this;
  }

  StreamBytes u16(int value) {
    return raw(ByteBuffer.allocate(2).putShort((short) value).array());
  }

  StreamBytes u32(long value) {
    return raw(ByteBuffer.allocate(4).putInt((int) value).array());
  }

  StreamBytes u64(long value) {
    return raw(ByteBuffer.allocate(8).putLong(value).array());
  }

  StreamBytes name(String text) {
    return u8(text.length()).raw(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  StreamBytes raw(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  StreamBytes page(int fill) {
    byte[] page = new byte[4096];
    java.util.Arrays.fill(page, (byte) fill);
    return raw(page);
  }

  StreamBytes header(String machine) {
    return u32(0x5145564d)
        .u32(3)
        .u8(7)
        .u32(machine.length())
        .raw(machine.getBytes(StandardCharsets.ISO_8859_1));
  }

  StreamBytes colo() {
    return u8(8).u16(8).u16(0);
  }

  /** RAM section 2 with blocks pc.ram (64 KiB) and pc.bios (8 KiB). */
  StreamBytes ramStart() {
    return u8(1)
        .u32(2)
        .name("ram")
        .u32(0)
        .u32(4)
        .u64(0x12000 | 4)
        .name("pc.ram")
        .u64(0x10000)
        .name("pc.bios")
        .u64(0x2000)
        .u64(0x10)
        .footer(2);
  }

  StreamBytes footer(int id) {
    return u8(0x7e).u32(id);
  }

  /** A device state with one section, id 3, 'port92' with value 2, and the end mark. */
  StreamBytes port92() {
    return u8(4).u32(3).name("port92").u32(0).u32(1).u8(2).footer(3).u8(0);
  }

  StreamBytes port92Description() {
    String json =
        "{\"page_size\": 4096, \"devices\": [{\"name\": \"port92\", \"instance_id\": 0,"
            + " \"vmsd_name\": \"port92\", \"version\": 1, \"fields\": [{\"name\": \"outport\","
            + " \"type\": \"uint8\", \"size\": 1}]}]}";
    return u8(6).u32(json.length()).raw(json.getBytes(StandardCharsets.UTF_8));
  }

  /** A whole initial COLO stream with one page. */
  static StreamBytes colo(int fill) {
    return new StreamBytes()
        .header("pc-i440fx-7.2")
        .colo()
        .ramStart()
        .u8(3)
        .u32(2)
        .u64(0x1000 | 8)
        .name("pc.ram")
        .page(fill)
        .u64(0x10)
        .footer(2)
        .port92()
        .port92Description();
  }

  byte[] bytes() {
    return out.toByteArray();
  }
}
