package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class FrameGateTest {
  private static final long CAPACITY = 256 * 1024;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment record = arena.allocate(FramePort.MAX_RECORD_BYTES, 8);
  private final RecordingPort port = new RecordingPort();
  private final AtomicBoolean permitted = new AtomicBoolean(true);
  private final AtomicInteger pressed = new AtomicInteger();
  private final List<FrameGate> gates = new ArrayList<>();

  @AfterEach
  void close() {
    gates.forEach(FrameGate::close);
    arena.close();
  }

  private FrameGate gate(FrameGate.Passing passing) {
    FrameGate gate =
        new FrameGate(
            FrameRoom.anonymous(CAPACITY), port, passing, permitted::get, pressed::incrementAndGet);
    gates.add(gate);
    return gate;
  }

  /** A frame that carries its number at its head and its tail. */
  private boolean send(FrameGate gate, int number, int length) {
    record.asSlice(0, length).fill((byte) number);
    record.set(ValueLayout.JAVA_INT_UNALIGNED, 26, number);
    record.set(ValueLayout.JAVA_INT_UNALIGNED, length - 4L, number);
    return gate.send(record, length);
  }

  private static void awaitHeld(FrameGate gate, int frames) throws InterruptedException {
    for (int i = 0; i < 5000 && gate.heldFrames() != frames; i++) {
      Thread.sleep(1);
    }
    assertThat(gate.heldFrames()).isEqualTo(frames);
  }

  private static List<Integer> numbers(List<byte[]> frames) {
    List<Integer> numbers = new ArrayList<>();
    for (byte[] frame : frames) {
      MemorySegment segment = MemorySegment.ofArray(frame);
      int number = segment.get(ValueLayout.JAVA_INT_UNALIGNED, 26);
      assertThat(segment.get(ValueLayout.JAVA_INT_UNALIGNED, frame.length - 4L)).isEqualTo(number);
      numbers.add(number);
    }
    return numbers;
  }

  @ParameterizedTest
  @EnumSource
  void openGatePassesAtOnce(FrameGate.Passing passing) throws Exception {
    FrameGate gate = gate(passing);
    send(gate, 1, 60);
    send(gate, 2, 61);
    assertThat(numbers(port.await(2))).containsExactly(1, 2);
    assertThat(port.sent().get(1)).hasSize(61);
  }

  @Test
  void whileAFrameLeavesItsRoomSaysSo(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("held");
    List<Boolean> leaving = new CopyOnWriteArrayList<>();
    FramePort looking =
        new FramePort() {
          @Override
          public boolean send(MemorySegment frame, int length) {
            leaving.add(wasLeaving(file));
            return true;
          }

          @Override
          public int receive(MemorySegment frame, int timeoutMillis) {
            return 0;
          }

          @Override
          public void accept(Offloads offloads) {}

          @Override
          public void close() {}
        };
    FrameGate gate =
        new FrameGate(
            FrameRoom.inFile(file, CAPACITY),
            looking,
            FrameGate.Passing.QUEUED,
            permitted::get,
            pressed::incrementAndGet);
    gates.add(gate);
    assertThat(wasLeaving(file)).isFalse();
    send(gate, 1, 60);
    while (leaving.isEmpty()) {
      Thread.onSpinWait();
    }
    assertThat(leaving).containsExactly(true);
    awaitHeld(gate, 0);
    assertThat(wasLeaving(file)).isFalse();
  }

  private static boolean wasLeaving(Path file) {
    try (HeldFrames held = HeldFrames.open(file)) {
      return held.wasLeaving();
    }
  }

  @Test
  void whatWasSentSinceAnEpochsEndIsKnown() {
    FrameGate gate = gate(FrameGate.Passing.DIRECT);
    send(gate, 0, 60);
    assertThat(gate.hasSent()).isFalse();
    gate.endEpoch(1);
    assertThat(gate.hasSent()).isFalse();
    send(gate, 1, 60);
    assertThat(gate.hasSent()).isTrue();
    gate.endEpoch(2);
    assertThat(gate.hasSent()).isFalse();
    gate.release(2);
    assertThat(gate.hasSent()).isFalse();
    send(gate, 2, 60);
    assertThat(gate.hasSent()).isTrue();
  }

  @Test
  void framesLeaveOnlyWithTheirEpoch() throws Exception {
    FrameGate gate = gate(FrameGate.Passing.DIRECT);
    send(gate, 0, 60);
    gate.endEpoch(1);
    send(gate, 1, 60);
    send(gate, 2, 60);
    gate.endEpoch(2);
    send(gate, 3, 60);
    gate.endEpoch(5);
    send(gate, 4, 60);
    assertThat(gate.heldFrames()).isEqualTo(4);
    assertThat(gate.isOpen()).isFalse();
    gate.release(1);
    assertThat(numbers(port.sent())).containsExactly(0);
    gate.release(3);
    assertThat(numbers(port.await(3))).containsExactly(0, 1, 2);
    gate.release(5);
    assertThat(numbers(port.await(4))).containsExactly(0, 1, 2, 3);
    // A frame counts as held until the port has returned.
    awaitHeld(gate, 1);
    gate.passThrough();
    assertThat(numbers(port.await(5))).containsExactly(0, 1, 2, 3, 4);
  }

  @Test
  void withoutPermissionNothingThatWasHeldLeaves() throws Exception {
    FrameGate gate = gate(FrameGate.Passing.DIRECT);
    gate.endEpoch(1);
    permitted.set(false);
    send(gate, 1, 60);
    gate.endEpoch(2);
    gate.release(2);
    Thread.sleep(30);
    assertThat(port.sent()).isEmpty();
    permitted.set(true);
    assertThat(numbers(port.await(1))).containsExactly(1);
  }

  @Test
  void discardedFramesNeverLeave() throws Exception {
    FrameGate gate = gate(FrameGate.Passing.DIRECT);
    gate.endEpoch(1);
    send(gate, 1, 60);
    gate.discard();
    assertThat(send(gate, 2, 60)).isFalse();
    while (gate.heldFrames() > 0) {
      Thread.sleep(1);
    }
    gate.passThrough();
    send(gate, 3, 60);
    assertThat(numbers(port.await(1))).containsExactly(3);
  }

  @Test
  void fullGateAsksForACommitOnceAndThenDrops() throws Exception {
    FrameGate gate = gate(FrameGate.Passing.DIRECT);
    gate.endEpoch(1);
    int accepted = 0;
    while (send(gate, accepted, 1500)) {
      accepted++;
    }
    assertThat(pressed).hasValue(1);
    assertThat(gate.droppedFrames()).isEqualTo(1);
    assertThat(gate.heldBytes()).isBetween(CAPACITY - 1600, CAPACITY);
    gate.endEpoch(2);
    assertThat(send(gate, -1, 1500)).isFalse();
    assertThat(pressed).hasValue(2);
    gate.release(2);
    List<Integer> numbers = numbers(port.await(accepted));
    for (int at = 0; at < accepted; at++) {
      assertThat(numbers.get(at)).isEqualTo(at);
    }
  }

  @Test
  void epochsMustRise() {
    FrameGate gate = gate(FrameGate.Passing.DIRECT);
    gate.endEpoch(7);
    assertThatThrownBy(() -> gate.endEpoch(7)).hasMessageContaining("epoch 7 ended after epoch 7");
  }

  @Test
  void frameOfNoLegalLengthIsRefused() {
    FrameGate gate = gate(FrameGate.Passing.DIRECT);
    assertThat(gate.send(record, 25)).isFalse();
    assertThat(gate.send(record, FramePort.MAX_RECORD_BYTES + 1)).isFalse();
    assertThat(port.sent()).isEmpty();
  }

  @Test
  void closingClosesThePort() {
    gate(FrameGate.Passing.DIRECT).close();
    gates.clear();
    assertThat(port.closed).isTrue();
  }

  /**
   * One thread sends, one ends and releases epochs, opens and closes the gate at random: what was
   * taken leaves once and in order.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void nothingIsLostDoubledOrOutOfOrder(long seed) throws Exception {
    FrameGate gate = gate(seed % 2 == 0 ? FrameGate.Passing.DIRECT : FrameGate.Passing.QUEUED);
    int frames = 20_000;
    List<Integer> taken = new ArrayList<>();
    AtomicBoolean done = new AtomicBoolean();
    Thread guest =
        Thread.ofPlatform()
            .start(() -> {
              SplittableRandom random = new SplittableRandom(seed);
              for (int number = 0; number < frames; number++) {
                int length = 40 + random.nextInt(random.nextInt(50) == 0 ? 60_000 : 400);
                if (send(gate, number, length)) {
                  taken.add(number);
                }
              }
              done.set(true);
            });
    SplittableRandom random = new SplittableRandom(-seed);
    long ended = 0;
    long released = 0;
    while (!done.get()) {
      switch (random.nextInt(8)) {
        case 0 -> {
          gate.passThrough();
          released = ended;
        }
        case 1, 2, 3 -> {
          ended += 1 + random.nextInt(3);
          gate.endEpoch(ended);
        }
        default -> {
          if (released < ended) {
            released += 1 + random.nextLong(ended - released);
            gate.release(released);
          }
        }
      }
      Thread.sleep(0, 200_000);
    }
    guest.join();
    gate.passThrough();
    List<byte[]> sent = port.await(taken.size());
    assertThat(numbers(sent)).isEqualTo(taken);
    // A frame counts as held until the port has returned.
    while (gate.heldFrames() > 0) {
      Thread.sleep(1);
    }
    assertThat(gate.heldBytes()).isZero();
    assertThat(gate.droppedFrames()).isEqualTo(frames - taken.size());
  }

  /** In step with the guest, each frame's epoch is known: it must not leave before its release. */
  @ParameterizedTest
  @ValueSource(longs = {21, 22, 23})
  void noFrameLeavesBeforeItsEpochIsReleased(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    FrameGate gate = gate(FrameGate.Passing.QUEUED);
    gate.endEpoch(1);
    List<Integer> sentUpTo = new ArrayList<>(List.of(0, 0));
    int number = 0;
    int releasedFrames = 0;
    int released = 1;
    for (int epoch = 2; epoch < 300; epoch++) {
      for (int at = random.nextInt(5); at > 0; at--) {
        assertThat(send(gate, number, 60 + random.nextInt(500))).isTrue();
        number++;
      }
      gate.endEpoch(epoch);
      sentUpTo.add(number);
      if (random.nextInt(3) == 0) {
        released += 1 + random.nextInt(epoch - released);
        gate.release(released);
        releasedFrames = sentUpTo.get(released);
        assertThat(numbers(port.await(releasedFrames)))
            .isEqualTo(IntStream.range(0, releasedFrames).boxed().toList());
      }
      assertThat(port.sent()).hasSize(releasedFrames);
    }
  }
}
