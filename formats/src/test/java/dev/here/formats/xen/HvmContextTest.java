package dev.here.formats.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HvmContextTest {
  private static final byte[] HEADER =
      Contexts.record(
          1,
          0,
          ByteBuffer.allocate(24)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(0x54381286)
              .putInt(1)
              .putLong(-1)
              .putInt(0x663)
              .putInt(2_600_000)
              .array());
  private static final byte[] END = Contexts.record(0, 0, new byte[0]);

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void everyOctetOfEveryRecordComesBack(long seed) {
    byte[] octets = Contexts.random(new SplittableRandom(seed), 1 + (int) (seed % 3));
    assertThat(HvmContext.decode(octets).encode()).isEqualTo(octets);
  }

  @Test
  void findsRecords() {
    HvmContext context = HvmContext.decode(Contexts.random(new SplittableRandom(9), 2));
    assertThat(context.all(HvmCpu.class)).extracting(HvmCpu::instance).containsExactly(0, 1);
    assertThat(context.find(HvmPic.class, 1)).isPresent();
    assertThat(context.find(HvmPic.class, 2)).isEmpty();
    assertThatThrownBy(() -> context.require(HvmLapic.class, 2))
        .isInstanceOf(XenFormatException.class)
        .hasMessageContaining("Lapic 2");
  }

  @Test
  void membersStandWhereTheHeaderPutsThem() {
    byte[] body = new byte[24];
    ByteBuffer.wrap(body)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(0xfee00900L)
        .putInt(2)
        .putInt(16)
        .putLong(-3);
    HvmContext context = HvmContext.decode(joined(HEADER, Contexts.record(5, 7, body), END));
    assertThat(context.header()).isEqualTo(new HvmHeader(0, 0x54381286L, 1, -1, 0x663, 2_600_000));
    assertThat(context.require(HvmLapic.class, 7))
        .isEqualTo(new HvmLapic(7, 0xfee00900L, 2, 16, -3));
  }

  @Test
  void refusals() {
    refused("no end record", HEADER);
    refused("no end record", new byte[0]);
    refused("the header comes first", joined(Contexts.record(19, 0, new byte[8]), END));
    refused("does not begin with its header", END);
    refused("the header comes first", joined(HEADER, HEADER, END));
    refused("save record of type 21", joined(HEADER, Contexts.record(21, 0, new byte[8]), END));
    refused("save record of type 34", joined(HEADER, Contexts.record(34, 0, new byte[8]), END));
    refused("7 octets", joined(HEADER, Contexts.record(19, 0, new byte[7]), END));
    refused("TSC_ADJUST 3 comes twice", joined(HEADER, tscAdjust(3), tscAdjust(3), END));
    refused("2 octets follow", joined(HEADER, END, new byte[2]));
    refused("end record is not empty", joined(HEADER, Contexts.record(0, 0, new byte[1])));
    refused("magic", joined(Contexts.record(1, 0, new byte[24]), END));
    refused(
        "MSRs has",
        joined(HEADER, Contexts.record(20, 0, new byte[] {2, 0, 0, 0, 0, 0, 0, 0}), END));
    refused("1 to 64", joined(HEADER, Contexts.record(20, 0, new byte[8]), END));
    refused(
        "announces 9 octets", joined(HEADER, new byte[] {19, 0, 0, 0, 9, 0, 0, 0}, new byte[8]));
    refused("at most", new byte[HvmContext.MAX_BYTES + 1]);
  }

  private static byte[] tscAdjust(int vcpu) {
    return Contexts.record(19, vcpu, new byte[8]);
  }

  private static void refused(String text, byte[] octets) {
    assertThatThrownBy(() -> HvmContext.decode(octets))
        .isInstanceOf(XenFormatException.class)
        .hasMessageContaining(text);
  }

  static byte[] joined(byte[]... parts) {
    byte[] all = new byte[0];
    for (byte[] part : parts) {
      int at = all.length;
      all = Arrays.copyOf(all, at + part.length);
      System.arraycopy(part, 0, all, at, part.length);
    }
    return all;
  }
}
