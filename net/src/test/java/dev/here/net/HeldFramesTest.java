package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ring of a gate is read from its file while, or after, its process has it. */
@Timeout(60)
class HeldFramesTest {
  private static final int CAPACITY = 1 << 18;

  @TempDir Path folder;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment record = arena.allocate(FramePort.MAX_RECORD_BYTES, 8);
  private Path file;
  private FrameRoom room;
  private FrameRing ring;

  @BeforeEach
  void make() {
    file = folder.resolve("held0");
    room = FrameRoom.inFile(file, CAPACITY);
    ring = new FrameRing(room);
  }

  @AfterEach
  void close() {
    room.close();
    arena.close();
    assertThat(file).doesNotExist();
  }

  private boolean add(int number, int length) {
    record.asSlice(0, length).fill((byte) number);
    record.set(ValueLayout.JAVA_INT_UNALIGNED, 26, number);
    record.set(ValueLayout.JAVA_INT_UNALIGNED, length - 4L, number);
    return ring.add(1, record, length);
  }

  private List<Integer> held() {
    List<Integer> numbers = new ArrayList<>();
    try (HeldFrames held = HeldFrames.open(file)) {
      held.forEach((frame, length) -> {
        int number = frame.get(ValueLayout.JAVA_INT_UNALIGNED, 26);
        assertThat(frame.get(ValueLayout.JAVA_INT_UNALIGNED, length - 4L)).isEqualTo(number);
        numbers.add(number);
      });
      assertThat(held.isEmpty()).isEqualTo(numbers.isEmpty());
    }
    return numbers;
  }

  private void write(long offset, long value) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      ByteBuffer octets = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      channel.write(octets.putLong(0, value), offset);
    }
  }

  @Test
  void onlyTheUserReadsIt() throws Exception {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void aNewGateHoldsNothing() {
    assertThat(held()).isEmpty();
  }

  @Test
  void theBackEndsHeaderLengthIsKept() {
    try (HeldFrames held = HeldFrames.open(file)) {
      assertThat(held.headerBytes()).isEqualTo(12);
    }
    room.headerBytes(10);
    try (HeldFrames held = HeldFrames.open(file)) {
      assertThat(held.headerBytes()).isEqualTo(10);
    }
  }

  /** Many times around the ring, with frames of all lengths, some taken out on the way. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void whatWasAddedAndNotRemovedIsReadInOrder(long seed) {
    var random = new SplittableRandom(seed);
    List<Integer> expected = new ArrayList<>();
    for (int number = 0; number < 3000; number++) {
      if (add(number, 40 + random.nextInt(random.nextInt(20) == 0 ? 60_000 : 1500))) {
        expected.add(number);
      }
      while (!expected.isEmpty() && random.nextInt(100) < 49) {
        ring.remove();
        expected.removeFirst();
      }
      if (number % 100 == 0) {
        assertThat(held()).isEqualTo(expected);
      }
    }
    assertThat(ring.head()).isGreaterThan(4L * CAPACITY);
    assertThat(held()).isEqualTo(expected);
  }

  @Test
  void whetherAFrameWasOnItsWayIsKept() {
    try (HeldFrames held = HeldFrames.open(file)) {
      assertThat(held.wasLeaving()).isFalse();
    }
    room.leaving(true);
    try (HeldFrames held = HeldFrames.open(file)) {
      assertThat(held.wasLeaving()).isTrue();
    }
    room.leaving(false);
    try (HeldFrames held = HeldFrames.open(file)) {
      assertThat(held.wasLeaving()).isFalse();
    }
  }

  @Test
  void anotherFileIsRefused() throws IOException {
    write(0, 42);
    assertThatThrownBy(() -> HeldFrames.open(file))
        .isInstanceOf(FrameStreamException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("no gate's");
  }

  @Test
  void anotherVersionIsRefused() throws IOException {
    write(FrameRoom.VERSION_OFFSET, 1 | 12L << 32);
    assertThatThrownBy(() -> HeldFrames.open(file)).hasMessageContaining("version (1)");
  }

  @Test
  void aFileThatWasCutOffIsRefused() throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(FrameRoom.RING_OFFSET);
      assertThatThrownBy(() -> HeldFrames.open(file)).hasMessageContaining("not as long");
      channel.truncate(100);
      assertThatThrownBy(() -> HeldFrames.open(file)).hasMessageContaining("ends too early");
    }
  }

  @Test
  void aMissingFileIsSaid() {
    assertThatThrownBy(() -> HeldFrames.open(folder.resolve("none")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("none");
  }

  @Test
  void impossiblePositionsAreRefused() throws IOException {
    write(FrameRoom.TAIL_OFFSET, CAPACITY + 8L);
    assertThatThrownBy(() -> HeldFrames.open(file)).hasMessageContaining("impossible positions");
    write(FrameRoom.TAIL_OFFSET, -8);
    assertThatThrownBy(() -> HeldFrames.open(file)).hasMessageContaining("impossible positions");
  }

  @Test
  void framesBeforeABrokenRecordAreGiven() throws IOException {
    add(1, 60);
    add(2, 60);
    write(FrameRoom.RING_OFFSET + (long) FrameRing.recordBytes(60), 70_000);
    List<Integer> given = new ArrayList<>();
    try (HeldFrames held = HeldFrames.open(file)) {
      assertThatThrownBy(() ->
              held.forEach(
                  (frame, length) -> given.add(frame.get(ValueLayout.JAVA_INT_UNALIGNED, 26))))
          .hasMessageContaining("impossible length");
    }
    assertThat(given).containsExactly(1);
  }

  /** Whatever is in the file, it is read to an end or refused. */
  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14})
  void rubbishIsReadToAnEndOrRefused(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    int refused = 0;
    for (int round = 0; round < 300; round++) {
      for (int number = 0; number < 20; number++) {
        add(number, 40 + random.nextInt(2000));
      }
      for (int change = random.nextInt(1, 4); change > 0; change--) {
        long offset =
            random.nextBoolean()
                ? random.nextInt(FrameRoom.TAIL_OFFSET + 8)
                : FrameRoom.RING_OFFSET + random.nextInt(4096);
        write(offset, random.nextBoolean() ? random.nextLong() : random.nextInt(-9, 70_000));
      }
      try (HeldFrames held = HeldFrames.open(file)) {
        held.forEach(
            (frame, length) -> assertThat(length).isBetween(26, FramePort.MAX_RECORD_BYTES));
      } catch (FrameStreamException e) {
        refused++;
      }
      room.close();
      make();
    }
    assertThat(refused).isBetween(30, 299);
  }
}
