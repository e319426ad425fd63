package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The test plays QEMU: a client on both sockets that writes to one without reading the other. */
@Timeout(60)
class RedirectedNicTest {
  @TempDir Path folder;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment record = arena.allocate(FramePort.MAX_RECORD_BYTES, 8);
  private final MemorySegment encoded = arena.allocate(FramePort.MAX_RECORD_BYTES + 8L, 8);
  private final StreamFrameCodec codec =
      new StreamFrameCodec(true, arena.allocate(FramePort.MAX_RECORD_BYTES + 12L, 8));
  private RedirectedNic nic;
  private UnixSocket out;
  private UnixSocket in;

  @BeforeEach
  void connect() throws Exception {
    nic =
        RedirectedNic.listen(
            folder.resolve("out"),
            folder.resolve("in"),
            true,
            FrameRoom.anonymous(1 << 20),
            ConnectionDeposit.Place.NOWHERE,
            () -> true,
            () -> {});
    out = UnixSocket.connect(folder.resolve("out").toString());
    in = UnixSocket.connect(folder.resolve("in").toString());
    assertThat(nic.awaitConnected(TimeUnit.SECONDS.toNanos(20))).isTrue();
  }

  @AfterEach
  void close() {
    nic.close();
    out.close();
    in.close();
    arena.close();
    assertThat(folder.resolve("out")).doesNotExist();
    assertThat(folder.resolve("in")).doesNotExist();
  }

  private void write(int number, int length) {
    record.asSlice(0, length).fill((byte) number);
    record.set(ValueLayout.JAVA_INT_UNALIGNED, 26, number);
    out.send(encoded.asSlice(0, StreamFrameCodec.encode(record, length, true, 12, encoded)));
  }

  private List<Integer> read(int count) {
    List<Integer> numbers = new ArrayList<>();
    MemorySegment chunk = arena.allocate(65_536);
    while (numbers.size() < count) {
      long length = in.receive(chunk);
      assertThat(length).isPositive();
      codec.decode(
          chunk,
          length,
          (frame, size) -> numbers.add(frame.get(ValueLayout.JAVA_INT_UNALIGNED, 26)));
    }
    return numbers;
  }

  @Test
  void framesComeBackInOrderThroughTheOpenGate() {
    for (int number = 0; number < 100; number++) {
      write(number, 60 + number * 20);
    }
    List<Integer> numbers = read(100);
    for (int number = 0; number < 100; number++) {
      assertThat(numbers.get(number)).isEqualTo(number);
    }
  }

  @Test
  void heldFramesComeWithTheirEpochOnly() throws Exception {
    nic.gate().endEpoch(1);
    write(1, 100);
    while (nic.gate().heldFrames() < 1) {
      Thread.sleep(1);
    }
    nic.gate().endEpoch(2);
    write(2, 100);
    nic.gate().release(2);
    assertThat(read(1)).containsExactly(1);
    while (nic.gate().heldFrames() < 1) {
      Thread.sleep(1);
    }
    assertThat(in.awaitReadable(30)).isFalse();
    nic.gate().passThrough();
    assertThat(read(1)).containsExactly(2);
  }

  /** More than all buffers on the way hold, with nobody reading: the writer must never wait. */
  @Test
  void outIsReadWhateverHappensToIn() {
    for (int number = 0; number < 600; number++) {
      write(number, 60_000);
    }
    assertThat(nic.gate().droppedFrames()).isPositive();
    assertThat(read(5)).containsExactly(0, 1, 2, 3, 4);
  }

  @Test
  void bothEndsMayConnectAgain() {
    write(1, 60);
    assertThat(read(1)).containsExactly(1);
    out.close();
    in.close();
    in = UnixSocket.connect(folder.resolve("in").toString());
    out = UnixSocket.connect(folder.resolve("out").toString());
    // The new connection may be taken only after some frames were lost on the old one.
    int number = 2;
    do {
      write(number++, 60);
    } while (!in.awaitReadable(20));
    assertThat(read(1).getFirst()).isBetween(2, number);
  }

  @Test
  void brokenFramingEndsThatConnectionOnly() {
    MemorySegment rubbish = arena.allocate(8);
    rubbish.fill((byte) 0xff);
    out.send(rubbish);
    out.close();
    out = UnixSocket.connect(folder.resolve("out").toString());
    write(7, 60);
    assertThat(read(1)).containsExactly(7);
    assertThat(Files.exists(folder.resolve("out"))).isTrue();
  }
}
