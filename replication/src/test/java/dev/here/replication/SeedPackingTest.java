package dev.here.replication;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A first copy's pages are compressed where that is quicker than sending them as they are. */
class SeedPackingTest {
  private static final int PAGES = 60;
  private static final int FRAMES = 4000;

  private final SeedPacking packing = new SeedPacking();

  @Test
  void aFastWayGetsThePagesAsTheyAre() {
    assertThat(packedOf(FRAMES, 30_000, 2_000)).isBetween(1, FRAMES / 100);
  }

  @Test
  void aSlowWayGetsThemCompressed() {
    assertThat(packedOf(FRAMES, 30_000, 35_000)).isGreaterThan(FRAMES * 9 / 10);
  }

  @Test
  void aWayThatBecomesSlowIsNoticed() {
    packedOf(FRAMES, 30_000, 2_000);
    assertThat(packedOf(FRAMES, 30_000, 200_000)).isGreaterThan(FRAMES * 8 / 10);
  }

  @Test
  void aWayThatBecomesFastIsNoticed() {
    packedOf(FRAMES, 30_000, 200_000);
    assertThat(packedOf(FRAMES, 30_000, 2_000)).isLessThan(FRAMES * 2 / 10);
  }

  @Test
  void aCompressedFrameThatWaitsForRawOnesBeforeItIsNotBlamed() {
    for (int frame = 0; frame < FRAMES; frame++) {
      boolean packs = packing.packs();
      packing.sent(PAGES, PAGES * (packs ? 10_000L : 1_000L), PAGES * 40_000L);
    }
    assertThat(packing.packs()).isTrue();
  }

  @Test
  void framesOfZerosTellNothing() {
    for (int frame = 0; frame < FRAMES; frame++) {
      packing.sent(0, 1_000_000, 1_000_000);
    }
    assertThat(packing.packs()).isFalse();
    assertThat(packedOf(FRAMES, 30_000, 35_000)).isGreaterThan(FRAMES * 9 / 10);
  }

  /** How many of {@code frames} were compressed, at these costs of a page. */
  private int packedOf(int frames, long packNanos, long wayNanos) {
    int packed = 0;
    for (int frame = 0; frame < frames; frame++) {
      if (packing.packs()) {
        packed++;
        packing.sent(PAGES, PAGES * packNanos, PAGES * wayNanos / 4);
      } else {
        packing.sent(PAGES, PAGES * 500L, PAGES * wayNanos);
      }
    }
    return packed;
  }
}
