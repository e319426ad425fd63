package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.UnixSocket;
import dev.here.net.ConnectionDeposit;
import dev.here.net.FramePort;
import dev.here.net.RedirectedNic;
import dev.here.net.StreamFrameCodec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The test plays QEMU to a keeper's gate, and the daemon that finds the gate's file. */
@Timeout(60)
class HeldFrameFilesTest {
  private static final int FRAMES = 20;

  /** Of the header that a back end of the test's expects. */
  private static final int HEADER_BYTES = 10;

  @TempDir Path folder;

  @Test
  void whatAGateHoldsIsFoundInTheFramingOfQemusSockets() throws Exception {
    var files = new HeldFrameFiles(folder);
    Path out = folder.resolve("out0");
    Path in = folder.resolve("in0");
    try (Arena arena = Arena.ofConfined();
        RedirectedNic nic =
            RedirectedNic.listen(
                out,
                in,
                true,
                files.room(0),
                ConnectionDeposit.Place.NOWHERE,
                () -> true,
                () -> {});
        UnixSocket guest = UnixSocket.connect(out.toString());
        UnixSocket backEnd = UnixSocket.connect(in.toString())) {
      assertThat(nic.awaitConnected(TimeUnit.SECONDS.toNanos(20))).isTrue();
      assertThat(files.holds(0)).isFalse();
      nic.gate().endEpoch(1);
      List<byte[]> sent = new ArrayList<>();
      for (int number = 0; number < FRAMES; number++) {
        sent.add(send(guest, arena, 60 + number * 100));
      }
      while (nic.gate().heldFrames() < FRAMES) {
        Thread.sleep(1);
      }
      assertThat(files.holds(0)).isTrue();
      List<byte[]> found = new ArrayList<>();
      files.letOut(
          0,
          frame -> {
            var octets = new byte[frame.remaining()];
            frame.get(octets);
            found.add(octets);
          });
      assertThat(found).hasSize(FRAMES);
      for (int number = 0; number < FRAMES; number++) {
        assertThat(found.get(number)).isEqualTo(sent.get(number));
      }
      assertThat(backEnd.awaitReadable(0)).isFalse();
    }
    assertThat(files.holds(0)).isFalse();
  }

  private static byte[] send(UnixSocket guest, Arena arena, int length) {
    MemorySegment record = arena.allocate(FramePort.MAX_RECORD_BYTES, 8);
    record.asSlice(FramePort.HEADER_BYTES, length).fill((byte) length);
    MemorySegment encoded = arena.allocate(length + 32L, 8);
    int size = StreamFrameCodec.encode(record, length, true, HEADER_BYTES, encoded);
    guest.send(encoded.asSlice(0, size));
    return encoded.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE);
  }

  @Test
  void aSampleIsReadAsADeadKeepersFileIs() {
    HeldFrameFiles.writeSample(folder);
    HeldFrameFiles files = new HeldFrameFiles(folder);
    assertThat(files.holds(0)).isTrue();
    assertThat(files.endsWhole(0)).isTrue();
    List<Integer> sizes = new ArrayList<>();
    files.letOut(0, frame -> sizes.add(frame.remaining()));
    assertThat(sizes).hasSize(1);
  }

  @Test
  void rubbishInPlaceOfAFileHoldsNothing() throws IOException {
    Files.writeString(folder.resolve("held0"), "rubbish");
    assertThat(new HeldFrameFiles(folder).holds(0)).isFalse();
    assertThat(new HeldFrameFiles(folder).endsWhole(0)).isFalse();
    assertThat(new HeldFrameFiles(folder).holds(1)).isFalse();
    assertThat(new HeldFrameFiles(folder).endsWhole(1)).isFalse();
  }
}
