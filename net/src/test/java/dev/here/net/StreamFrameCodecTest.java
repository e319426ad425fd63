package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamFrameCodecTest {
  private final MemorySegment buffer =
      Arena.ofAuto().allocate(FramePort.MAX_RECORD_BYTES + (long) FramePort.HEADER_BYTES);
  private final List<byte[]> decoded = new ArrayList<>();
  private final StreamFrameCodec.Frames frames =
      (record, length) -> decoded.add(record.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));

  private static MemorySegment hex(String text) {
    return MemorySegment.ofArray(HexFormat.of().parseHex(text.replace(" ", "")));
  }

  @Test
  void framesAsQemuWritesThem() {
    StreamFrameCodec codec = new StreamFrameCodec(true, buffer);
    MemorySegment stream =
        hex(
            "00000010 0000000c 010102030405060708090a0b deadbeef"
                + "0000000c 0000000a 01010203040506070809 cafe");
    codec.decode(stream, stream.byteSize(), frames);
    assertThat(decoded)
        .containsExactly(
            HexFormat.of().parseHex("010102030405060708090a0bdeadbeef"),
            HexFormat.of().parseHex("010102030405060708090000cafe"));
  }

  @Test
  void onlyWholeFramesCount() {
    StreamFrameCodec codec = new StreamFrameCodec(true, buffer);
    MemorySegment stream =
        hex("00000002 00000000 cafe 0000000c 0000000a 01010203040506070809 cafe");
    int first = 10;
    for (int length = 0; length < first; length++) {
      assertThat(codec.wholeFrames(stream, length)).as("of %d octets", length).isZero();
    }
    for (int length = first; length < stream.byteSize(); length++) {
      assertThat(codec.wholeFrames(stream, length)).as("of %d octets", length).isEqualTo(first);
    }
    assertThat(codec.wholeFrames(stream, stream.byteSize())).isEqualTo(stream.byteSize());
    assertThat(codec.isBetweenFrames()).isTrue();
    assertThatThrownBy(() -> codec.wholeFrames(hex("00000002 00000001 cafe"), 10))
        .isInstanceOf(FrameStreamException.class);
  }

  @Test
  void framesGoBackWithTheHeaderThatTheyCameWith() {
    StreamFrameCodec codec = new StreamFrameCodec(true, buffer);
    for (String text :
        List.of(
            "00000002 00000000 cafe",
            "0000000c 0000000a 01010203040506070809 cafe",
            "0000000e 0000000c 01010203040506070809 0b0c cafe")) {
      MemorySegment stream = hex(text);
      codec.decode(stream, stream.byteSize(), frames);
      MemorySegment again = MemorySegment.ofArray(new byte[100]);
      int length =
          StreamFrameCodec.encode(
              MemorySegment.ofArray(decoded.getLast()),
              decoded.getLast().length,
              true,
              codec.lastHeaderBytes(),
              again);
      assertThat(again.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE))
          .isEqualTo(stream.toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @Test
  void framesWithoutHeadersGetOneOfZeros() {
    StreamFrameCodec codec = new StreamFrameCodec(false, buffer);
    MemorySegment stream = hex("00000003 aabbcc 00000001 dd");
    codec.decode(stream, stream.byteSize(), frames);
    assertThat(decoded)
        .containsExactly(
            HexFormat.of().parseHex("000000000000000000000000aabbcc"),
            HexFormat.of().parseHex("000000000000000000000000dd"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void whatIsEncodedComesBackHoweverItIsCut(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    boolean headers = seed % 2 == 0;
    StreamFrameCodec codec = new StreamFrameCodec(headers, buffer);
    List<byte[]> originals = new ArrayList<>();
    MemorySegment stream = MemorySegment.ofArray(new byte[1 << 20]);
    long end = 0;
    while (end < (1 << 20) - 80_000) {
      byte[] frame = new byte[12 + 1 + random.nextInt(random.nextInt(10) == 0 ? 69_000 : 1500)];
      for (int at = headers ? 0 : 12; at < frame.length; at++) {
        frame[at] = (byte) random.nextInt();
      }
      originals.add(frame);
      end +=
          StreamFrameCodec.encode(
              MemorySegment.ofArray(frame), frame.length, headers, 12, stream.asSlice(end));
    }
    long at = 0;
    while (at < end) {
      long here = Math.min(end - at, 1 + random.nextInt(random.nextBoolean() ? 5 : 9000));
      codec.decode(stream.asSlice(at), here, frames);
      at += here;
    }
    assertThat(decoded).containsExactlyElementsOf(originals);
  }

  @Test
  void impossibleLengthsAreRefused() {
    StreamFrameCodec plain = new StreamFrameCodec(false, buffer);
    assertThatThrownBy(() -> plain.decode(hex("ffffffff"), 4, frames))
        .isInstanceOf(FrameStreamException.class)
        .hasMessageContaining("4294967295");
    StreamFrameCodec headers = new StreamFrameCodec(true, buffer);
    assertThatThrownBy(() -> headers.decode(hex("00000040 0000000b"), 8, frames))
        .isInstanceOf(FrameStreamException.class)
        .hasMessageContaining("header of 11 octets");
    headers.restart();
    assertThatThrownBy(() -> headers.decode(hex("00000004 0000000c"), 8, frames))
        .isInstanceOf(FrameStreamException.class)
        .hasMessageContaining("a frame of 4 octets with a header of 12");
    headers.restart();
    assertThatThrownBy(() -> headers.decode(hex("00011001 00000000"), 8, frames))
        .isInstanceOf(FrameStreamException.class);
    assertThat(decoded).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {31, 32, 33, 34})
  void randomOctetsNeverLeaveTheBuffer(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round < 3000; round++) {
      StreamFrameCodec codec = new StreamFrameCodec(random.nextBoolean(), buffer);
      byte[] octets = new byte[random.nextInt(400)];
      random.nextBytes(octets);
      for (int at = 0; at + 8 < octets.length; at += 1 + random.nextInt(60)) {
        octets[at] = 0;
        octets[at + 1] = (byte) random.nextInt(2);
        octets[at + 4] = 0;
        octets[at + 5] = 0;
        octets[at + 6] = 0;
      }
      try {
        codec.decode(MemorySegment.ofArray(octets), octets.length, frames);
      } catch (FrameStreamException e) {
        assertThat(e.getMessage()).contains("octets");
      }
    }
    assertThat(decoded)
        .allSatisfy(
            frame -> assertThat(frame.length).isLessThanOrEqualTo(FramePort.MAX_RECORD_BYTES + 12));
  }
}
