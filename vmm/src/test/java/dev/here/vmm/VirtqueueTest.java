package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.vmm.FakeQueueDriver.Buffer;
import dev.here.vmm.FakeQueueDriver.Used;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VirtqueueTest {
  private static final long RING = 0x10000;
  private static final long DATA = 0x40000;
  private static final int SIZE = 8;
  private static final int NEXT = 1;
  private static final int WRITE = 2;
  private static final int INDIRECT = 4;

  private final FakeMachine machine = new FakeMachine();
  private final DescriptorChain chain = new DescriptorChain();

  @AfterEach
  void close() {
    machine.close();
  }

  private FakeQueueDriver driver(int startIndex) {
    return new FakeQueueDriver(machine.memory, SIZE, RING, startIndex);
  }

  private Virtqueue queue(FakeQueueDriver driver, int... features) {
    Virtqueue queue = new Virtqueue(machine.memory, driver.state(0));
    queue.negotiated(VirtioFeature.mask(features));
    return queue;
  }

  @Test
  void copiesAcrossDescriptorsAndRegions() {
    FakeQueueDriver driver = driver(0);
    Virtqueue queue = queue(driver);
    long border = FakeMachine.RAM_BYTES / 2;
    for (int at = 0; at < 10; at++) {
      machine.memory.putU8(border - 5 + at, at + 1);
    }
    machine.memory.deviceWrites().clear();
    driver.add(
        new Buffer(border - 5, 10, false),
        new Buffer(DATA, 3, true),
        new Buffer(DATA + 4096, 4, true));
    assertThat(queue.take(chain)).isTrue();
    MemorySegment out = MemorySegment.ofArray(new byte[10]);
    chain.copyOut(0, out, 0, 10);
    assertThat(out.toArray(ValueLayout.JAVA_BYTE)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    chain.copyIn(1, out, 0, 6);
    assertThat(machine.memory.u8(DATA + 2)).isEqualTo(2);
    assertThat(machine.memory.u8(DATA + 4096 + 3)).isEqualTo(6);
    queue.push(chain, 7);
    assertThat(driver.collect()).containsExactly(new Used(0, 7));
    assertThat(machine.memory.deviceWrites().contains((int) (DATA / 4096))).isTrue();
    assertThat(machine.memory.deviceWrites().contains((int) (DATA / 4096) + 1)).isTrue();
    assertThat(machine.memory.deviceWrites().contains((int) (border / 4096))).isFalse();
    assertThat(queue.take(chain)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void everyRequestIsAnsweredOnceAcrossTheWrap(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    FakeQueueDriver driver = driver(65_500);
    driver.indirect = (seed & 1) != 0;
    driver.indirectGpa = 0x20000;
    Virtqueue queue = queue(driver, VirtioFeature.INDIRECT_DESCRIPTORS, VirtioFeature.EVENT_INDEX);
    List<DescriptorChain> open = new ArrayList<>();
    int added = 0;
    int answered = 0;
    while (answered < 500) {
      while (driver.freeDescriptors() >= 3 && random.nextInt(3) != 0) {
        int readable = random.nextInt(2) + 1;
        List<Buffer> buffers = new ArrayList<>();
        for (int at = 0; at < readable; at++) {
          buffers.add(new Buffer(DATA + at * 64L, 1 + random.nextInt(64), false));
        }
        buffers.add(new Buffer(DATA + 8192, 1 + random.nextInt(64), true));
        driver.add(buffers);
        added++;
      }
      DescriptorChain taken = new DescriptorChain();
      while (queue.take(taken)) {
        open.add(taken);
        taken = new DescriptorChain();
      }
      if (random.nextInt(4) == 0) {
        queue = new Virtqueue(machine.memory, queue.state());
        queue.negotiated(
            VirtioFeature.mask(VirtioFeature.INDIRECT_DESCRIPTORS, VirtioFeature.EVENT_INDEX));
      }
      while (!open.isEmpty() && random.nextInt(4) != 0) {
        DescriptorChain done = open.remove(random.nextInt(open.size()));
        queue.push(done, done.writableBytes());
        List<Used> used = driver.collect();
        assertThat(used).containsExactly(new Used(done.head(), (int) done.writableBytes()));
        answered++;
      }
    }
    assertThat(answered).isLessThanOrEqualTo(added);
    assertThat(queue.state().usedIndex()).isEqualTo(65_500 + answered & 0xffff);
    assertThat(queue.state().nextAvailable()).isEqualTo(65_500 + added & 0xffff);
  }

  @Test
  void interruptsOnlyPastTheEventIndex() {
    FakeQueueDriver driver = driver(65_534);
    Virtqueue queue = queue(driver, VirtioFeature.EVENT_INDEX);
    driver.usedEvent(1);
    List<Boolean> wanted = new ArrayList<>();
    for (int at = 0; at < 5; at++) {
      driver.add(new Buffer(DATA, 16, true));
      queue.take(chain);
      queue.push(chain, 1);
      driver.collect();
      wanted.add(queue.wantsInterrupt());
    }
    // Used indices after each: 65535, 0, 1, 2, 3; the driver asks to hear of the one that passes 1.
    assertThat(wanted).containsExactly(false, false, false, true, false);
  }

  @Test
  void interruptFlagAndNotificationFlagCountWithoutEventIndex() {
    FakeQueueDriver driver = driver(0);
    Virtqueue queue = queue(driver);
    driver.noInterrupt(true);
    assertThat(queue.wantsInterrupt()).isFalse();
    driver.noInterrupt(false);
    assertThat(queue.wantsInterrupt()).isTrue();
    queue.notification(false);
    assertThat(driver.usedFlags()).hasValue(1);
    queue.notification(true);
    assertThat(driver.usedFlags()).hasValue(0);
  }

  @Test
  void emptyQueueInterruptsALegacyDriverThatAsksForIt() {
    FakeQueueDriver driver = driver(0);
    Virtqueue queue = queue(driver, VirtioFeature.NOTIFY_ON_EMPTY);
    driver.noInterrupt(true);
    assertThat(queue.wantsInterrupt()).isTrue();
    driver.add(new Buffer(DATA, 4, true));
    assertThat(queue.wantsInterrupt()).isFalse();
  }

  @Test
  void availableEventFollowsWhatWasSeen() {
    FakeQueueDriver driver = driver(10);
    Virtqueue queue = queue(driver, VirtioFeature.EVENT_INDEX);
    driver.add(new Buffer(DATA, 4, true));
    driver.add(new Buffer(DATA, 4, true));
    queue.take(chain);
    assertThat(driver.availableEvent()).isEqualTo(11);
    queue.notification(true);
    assertThat(driver.availableEvent()).isEqualTo(12);
    queue.untake();
    assertThat(queue.take(chain)).isTrue();
    assertThat(chain.head()).isZero();
  }

  @Test
  void writtenPagesAreCountedOnlyAsFarAsWritten() {
    FakeQueueDriver driver = driver(0);
    Virtqueue queue = queue(driver);
    driver.add(new Buffer(DATA, 65_536, true));
    machine.memory.deviceWrites().clear();
    queue.take(chain);
    queue.push(chain, 5000);
    int first = (int) (DATA / 4096);
    assertThat(machine.memory.deviceWrites().contains(first)).isTrue();
    assertThat(machine.memory.deviceWrites().contains(first + 1)).isTrue();
    assertThat(machine.memory.deviceWrites().contains(first + 2)).isFalse();
  }

  @Test
  void headOutsideTheTableIsRefused() {
    FakeQueueDriver driver = driver(0);
    driver.offer(SIZE);
    refused(driver, "head 8 of 8");
  }

  @Test
  void availableIndexTooFarAheadIsRefused() {
    FakeQueueDriver driver = driver(0);
    machine.memory.putU16(driver.availableGpa + 2, SIZE + 1);
    refused(driver, "available index went from 0 to 9");
  }

  @Test
  void loopIsRefused() {
    FakeQueueDriver driver = driver(0);
    driver.raw(0, DATA, 16, NEXT, 1);
    driver.raw(1, DATA, 16, NEXT, 0);
    driver.offer(0);
    refused(driver, "more than 1024 descriptors");
  }

  @Test
  void linkOutsideTheTableIsRefused() {
    FakeQueueDriver driver = driver(0);
    driver.raw(0, DATA, 16, NEXT, SIZE);
    driver.offer(0);
    refused(driver, "links to descriptor 8 of 8");
  }

  @Test
  void readableBehindWritableIsRefused() {
    FakeQueueDriver driver = driver(0);
    driver.raw(0, DATA, 16, NEXT | WRITE, 1);
    driver.raw(1, DATA, 16, 0, 0);
    driver.offer(0);
    refused(driver, "readable descriptor behind a writable one");
  }

  @Test
  void emptyDescriptorIsRefused() {
    FakeQueueDriver driver = driver(0);
    driver.raw(0, DATA, 0, 0, 0);
    driver.offer(0);
    refused(driver, "descriptor of 0 octets");
  }

  @Test
  void indirectTableInsideAnotherIsRefused() {
    FakeQueueDriver driver = driver(0);
    driver.raw(0, DATA, 16, INDIRECT, 0);
    machine.memory.putU64(DATA, DATA + 4096);
    machine.memory.putU32(DATA + 8, 16);
    machine.memory.putU16(DATA + 12, INDIRECT);
    driver.offer(0);
    refused(driver, "misplaced indirect table");
  }

  @Test
  void indirectTableBehindADescriptorOrOfOddLengthIsRefused() {
    FakeQueueDriver behind = driver(0);
    behind.raw(0, DATA, 16, NEXT, 1);
    behind.raw(1, DATA, 16, INDIRECT, 0);
    behind.offer(0);
    refused(behind, "misplaced indirect table");
    FakeQueueDriver odd = driver(0);
    odd.raw(0, DATA, 17, INDIRECT, 0);
    odd.offer(0);
    refused(odd, "misplaced indirect table");
  }

  @Test
  void memoryThatIsNotThereIsRefused() {
    FakeQueueDriver outside = driver(0);
    outside.raw(0, FakeMachine.RAM_BYTES - 8, 16, 0, 0);
    outside.offer(0);
    assertThatThrownBy(() -> queue(outside).take(chain)).isInstanceOf(GuestAddressException.class);
    FakeQueueDriver wrapped = driver(0);
    wrapped.raw(0, -8, 16, 0, 0);
    wrapped.offer(0);
    assertThatThrownBy(() -> queue(wrapped).take(chain)).isInstanceOf(GuestAddressException.class);
    FakeQueueDriver rom = driver(0);
    rom.raw(0, FakeMachine.ROM_GPA, 16, WRITE, 0);
    rom.offer(0);
    assertThatThrownBy(() -> queue(rom).take(chain)).isInstanceOf(GuestAddressException.class);
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14, 15, 16, 17, 18})
  void randomRingsEndInARefusalOrAChainInMemory(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    FakeQueueDriver driver = driver(0);
    for (int round = 0; round < 2000; round++) {
      Virtqueue queue = queue(driver);
      for (int at = 0; at < SIZE; at++) {
        driver.raw(
            at,
            random.nextInt(4) == 0 ? random.nextLong() : random.nextLong(FakeMachine.RAM_BYTES),
            random.nextInt(3) == 0 ? random.nextInt() : 16 * random.nextInt(8),
            random.nextInt(8),
            random.nextInt(SIZE + 2));
      }
      machine.memory.putU16(driver.availableGpa + 4, random.nextInt(SIZE + 1));
      machine.memory.putU16(driver.availableGpa + 2, random.nextInt(3));
      try {
        if (queue.take(chain)) {
          assertThat(chain.readableBytes() + chain.writableBytes()).isPositive();
        }
      } catch (VirtqueueException | GuestAddressException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
  }

  private void refused(FakeQueueDriver driver, String reason) {
    assertThatThrownBy(() -> queue(driver).take(chain))
        .isInstanceOf(VirtqueueException.class)
        .hasMessageContaining(reason);
  }
}
