package dev.here.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MemoryMapTest {
  private static MemoryRegion region(String name, long gpa, long sizeBytes, long backingOffset) {
    return new MemoryRegion(name, gpa, sizeBytes, MemoryKind.RAM, backingOffset);
  }

  @Test
  void findsTheRegionOfAnAddress() {
    MemoryMap map =
        new MemoryMap(
            0x30000,
            List.of(region("low", 0, 0x10000, 0), region("high", 0x100000, 0x20000, 0x10000)));
    assertThat(map.pageCount()).isEqualTo(0x30);
    assertThat(map.regionAt(0xffff)).map(MemoryRegion::name).contains("low");
    assertThat(map.regionAt(0x10000)).isEmpty();
    assertThat(map.regionAt(0x11ffff)).map(MemoryRegion::name).contains("high");
  }

  @Test
  void refusesOverlap() {
    assertThatThrownBy(() ->
            new MemoryMap(
                0x4000, List.of(region("a", 0, 0x2000, 0), region("b", 0x1000, 0x1000, 0))))
        .isInstanceOf(InvalidMachineStateException.class)
        .hasMessageContaining("b at 0x1000");
  }

  @Test
  void refusesARegionOutsideTheBacking() {
    assertThatThrownBy(() -> new MemoryMap(0x1000, List.of(region("a", 0, 0x2000, 0))))
        .isInstanceOf(InvalidMachineStateException.class)
        .hasMessageContaining("a.backing end");
  }

  @Test
  void aDirtySetBehavesAsASet() {
    SplittableRandom random = new SplittableRandom(5);
    try (Arena arena = Arena.ofConfined()) {
      for (int pages : new int[] {1, 63, 64, 65, 1000}) {
        DirtySet set = new DirtySet(arena, pages);
        BitSet model = new BitSet();
        for (int round = 0; round < pages; round++) {
          int page = random.nextInt(pages);
          set.add(page);
          model.set(page);
        }
        assertThat(set.count()).isEqualTo(model.cardinality());
        for (int at = 0; at <= pages; at++) {
          assertThat(set.next(at)).isEqualTo(model.nextSetBit(at));
        }
      }
    }
  }

  @Test
  void stagedPagesKeepTheirContents() {
    try (Arena arena = Arena.ofConfined();
        StagedPages staged = new StagedPages()) {
      MemorySegment source = arena.allocate(3000 * 4096L);
      for (int page = 0; page < 3000; page++) {
        source.set(ValueLayout.JAVA_INT, page * 4096L, page);
      }
      staged.add(5, source, 5 * 4096L);
      staged.addRun(100, 2500, source, 100 * 4096L);
      staged.addZero(9);
      assertThat(staged.count()).isEqualTo(2502);
      for (int slot = 0; slot < 2501; slot++) {
        assertThat(staged.chunk(slot).get(ValueLayout.JAVA_INT, StagedPages.offset(slot)))
            .isEqualTo(staged.pageIndex(slot));
      }
      assertThat(staged.chunk(2501).get(ValueLayout.JAVA_INT, StagedPages.offset(2501))).isZero();
    }
  }
}
