package dev.here.driver.xen;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.formats.xen.HvmContext;
import dev.here.formats.xen.HvmCpu;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.OptionalLong;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A vCPU of a real guest in long mode; its page tables and code are made up. */
class GuestCodeTest {
  private static final int TABLES = 0x10000;
  private static final int CODE = 0x20000;
  private static final int BYTES = 0x40000;
  private static final long PRESENT = 1;
  private static final long LARGE = 0x80;

  private final HvmCpu cpu = cpu();
  private final ByteBuffer memory = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);

  private static HvmCpu cpu() {
    try (InputStream file = GuestCodeTest.class.getResourceAsStream("hvm-1cpu.hvmctx.gz")) {
      return HvmContext.decode(new GZIPInputStream(file).readAllBytes())
          .find(HvmCpu.class, 0)
          .orElseThrow();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private OptionalLong word(long address) {
    long top = cpu.cr3() & ~0xfffL;
    if (address >= top && address < top + 0x1000) {
      return OptionalLong.of(memory.getLong((int) (address - top)));
    }
    return address >= 0 && address < BYTES
        ? OptionalLong.of(memory.getLong((int) address))
        : OptionalLong.empty();
  }

  /** Maps the page of the next instruction, in the middle of which it is put. */
  private void map(String before, String after) {
    long rip = cpu.general().rip();
    memory.putLong(8 * (int) (rip >>> 39 & 0x1ff), TABLES | PRESENT);
    memory.putLong(TABLES + 8 * (int) (rip >>> 30 & 0x1ff), (TABLES + 0x1000) | PRESENT);
    memory.putLong(TABLES + 0x1000 + 8 * (int) (rip >>> 21 & 0x1ff), (TABLES + 0x2000) | PRESENT);
    for (int page = -1; page <= 1; page++) {
      memory.putLong(
          TABLES + 0x2000 + 8 * (int) ((rip >>> 12) + page & 0x1ff),
          (CODE + 0x1000 + page * 0x1000L) | PRESENT);
    }
    int at = CODE + 0x1000 + (int) (rip & 0xfff);
    byte[] first = HexFormat.of().parseHex(before);
    memory.put(at - first.length, first);
    memory.put(at, HexFormat.of().parseHex(after));
  }

  private boolean isBehind() {
    return new GuestCode(this::word, cpu).isBehindPlainPortAccess();
  }

  @ParameterizedTest
  @CsvSource({
    "ee, c3, true",
    "ec, 8845ff, true",
    "66ed, 6690, true",
    "e461, a810, true",
    "90, c3, false",
    "ee, 6c, false",
    "ee, f36e, false",
    "ee, f3676f, false"
  })
  void aPlainAccessIsKnownByItsOctets(String before, String after, boolean behind) {
    map(before, after);
    assertThat(isBehind()).isEqualTo(behind);
  }

  @Test
  void codeThatIsNotThereSaysNothing() {
    assertThat(isBehind()).isFalse();
    map("ee", "c3");
    assertThat(isBehind()).isTrue();
    memory.putLong(TABLES, 0);
    memory.putLong(8 * (int) (cpu.general().rip() >>> 39 & 0x1ff), LARGE);
    assertThat(isBehind()).isFalse();
  }
}
