package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.MemoryKind;
import dev.here.machine.MemoryMap;
import dev.here.machine.MemoryRegion;
import dev.here.machine.VirtioQueue;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VirtioRingsTest {
  /** Guest memory from 64 KiB on, which lies in its backing from the second page on. */
  private static final long BASE = 0x10000;

  private static final int OFFSET = 4096;
  private static final int SIZE = 1 << 16;
  private static final int ENTRIES = 8;
  private static final long DESCRIPTORS = BASE;
  private static final long AVAILABLE = BASE + 0x1000;
  private static final long USED = BASE + 0x2000;
  private static final long DATA = BASE + 0x4000;
  private static final VirtioQueue QUEUE =
      new VirtioQueue(
          0, ENTRIES, ENTRIES, true, DESCRIPTORS, AVAILABLE, USED, 6, 6, 0, false, true, 0xffff);

  private final ByteBuffer memory =
      ByteBuffer.allocate(OFFSET + SIZE).order(ByteOrder.LITTLE_ENDIAN);
  private final VirtioRings rings =
      new VirtioRings(
          new MemoryMap(
              OFFSET + SIZE, List.of(new MemoryRegion("ram", BASE, SIZE, MemoryKind.RAM, OFFSET))),
          MemorySegment.ofBuffer(memory));

  private static int place(long gpa) {
    return (int) (gpa - BASE) + OFFSET;
  }

  private void descriptor(long table, int index, long gpa, int length, int flags, int next) {
    memory
        .putLong(place(table) + 16 * index, gpa)
        .putInt(place(table) + 16 * index + 8, length)
        .putShort(place(table) + 16 * index + 12, (short) flags)
        .putShort(place(table) + 16 * index + 14, (short) next);
  }

  private void offer(int index, int head, int end) {
    memory
        .putShort(place(AVAILABLE) + 4 + 2 * (index % ENTRIES), (short) head)
        .putShort(place(AVAILABLE) + 2, (short) end);
  }

  @Test
  void aChainIsFollowed() {
    descriptor(DESCRIPTORS, 3, DATA, 16, 1, 5);
    descriptor(DESCRIPTORS, 5, DATA + 0x1000, 512, 3, 1);
    descriptor(DESCRIPTORS, 1, DATA + 0x2000, 1, 2, 0);
    assertThat(rings.request(QUEUE, 3))
        .hasValueSatisfying(request ->
            assertThat(request.parts())
                .containsExactly(
                    new VirtioRings.Part(DATA, 16, false),
                    new VirtioRings.Part(DATA + 0x1000, 512, true),
                    new VirtioRings.Part(DATA + 0x2000, 1, true)));
  }

  @Test
  void anIndirectTableIsFollowed() {
    long table = DATA + 0x3000;
    descriptor(DESCRIPTORS, 2, table, 32, 4, 0);
    descriptor(table, 0, DATA, 16, 1, 1);
    descriptor(table, 1, DATA + 0x1000, 1, 2, 0);
    assertThat(rings.request(QUEUE, 2).orElseThrow().parts()).hasSize(2);
  }

  @Test
  void whatIsOfferedAndNotTakenIsFoundUpToWhatIsNotWellFormed() {
    descriptor(DESCRIPTORS, 0, DATA, 16, 0, 0);
    descriptor(DESCRIPTORS, 1, DATA, 16, 0, 0);
    descriptor(DESCRIPTORS, 2, 0x9999999999L, 16, 0, 0);
    offer(6, 1, 10);
    offer(7, 0, 10);
    offer(8, 2, 10);
    offer(9, 0, 10);
    assertThat(rings.available(QUEUE, 6)).containsExactly(1, 0);
    assertThat(rings.available(QUEUE, 10)).isEmpty();
    // More than the ring holds: the driver's index is nonsense.
    assertThat(rings.available(QUEUE, 1)).isEmpty();
  }

  @Test
  void chainsThatLeadNowhereAreNoRequests() {
    descriptor(DESCRIPTORS, 0, DATA, 16, 1, 0);
    assertThat(rings.request(QUEUE, 0)).as("a circle").isEmpty();
    descriptor(DESCRIPTORS, 1, BASE + SIZE - 8, 16, 0, 0);
    assertThat(rings.request(QUEUE, 1)).as("past the memory's end").isEmpty();
    descriptor(DESCRIPTORS, 2, DATA, 16, 1, 8);
    assertThat(rings.request(QUEUE, 2)).as("past the table's end").isEmpty();
    assertThat(rings.request(QUEUE, 0xffff)).isEmpty();
    descriptor(DESCRIPTORS, 3, DATA, 16, 4, 0);
    descriptor(DATA, 0, DATA, 16, 4, 0);
    assertThat(rings.request(QUEUE, 3)).as("a table in itself").isEmpty();
  }

  @Test
  void anythingInMemoryGivesAnAnswer() {
    var random = new SplittableRandom(31);
    int found = 0;
    for (int round = 0; round < 2000; round++) {
      for (int index = 0; index < ENTRIES; index++) {
        long gpa = BASE + random.nextInt(SIZE + SIZE / 8);
        descriptor(
            DESCRIPTORS,
            index,
            gpa,
            random.nextInt(5000),
            random.nextInt(8),
            random.nextInt(ENTRIES + 2));
        offer(6 + index, random.nextInt(ENTRIES + 2), 6 + random.nextInt(ENTRIES + 2));
      }
      found += rings.available(QUEUE, 6).size();
    }
    assertThat(found).as("well-formed requests among nonsense").isPositive();
  }

  @Test
  void notificationsAreAskedFor() {
    memory.putShort(place(USED), (short) 1);
    rings.askForNotifications(VirtioDevices.block(1L << 29), QUEUE, 0x1234);
    assertThat(memory.getShort(place(USED))).isZero();
    assertThat(memory.getShort(place(USED) + 4 + 8 * ENTRIES)).isEqualTo((short) 0x1234);
  }
}
