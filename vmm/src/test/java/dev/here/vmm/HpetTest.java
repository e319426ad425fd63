package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.HpetState;
import dev.here.machine.HpetTimer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class HpetTest {
  private static final long BASE = 0xfed00000L;
  private static final long MILLI = 1_000_000;

  private final FakeClock clock = new FakeClock(5_000_000);
  private final MmioBus mmio = new MmioBus();
  private final boolean[] levels = new boolean[32];
  private final int[] rises = new int[32];
  private final List<String> messages = new ArrayList<>();
  private boolean legacy;

  private Hpet hpet(HpetState state) {
    Hpet hpet =
        new Hpet(
            state,
            clock,
            wire ->
                asserted -> {
                  rises[wire] += asserted && !levels[wire] ? 1 : 0;
                  levels[wire] = asserted;
                },
            (address, data) -> messages.add("%x:%x".formatted(address, data)),
            replaced -> legacy = replaced);
    hpet.attach(mmio);
    return hpet;
  }

  private long in(int register) {
    return mmio.read(BASE + register, 4);
  }

  private void out(int register, long value) {
    mmio.write(BASE + register, 4, value);
  }

  @Test
  void countsInItsPeriodOnlyWhileEnabled() {
    hpet(Hpet.powerOn());
    assertThat(in(0)).isEqualTo(0x8086a201L);
    assertThat(in(4)).isEqualTo(10_000_000);
    clock.advance(MILLI);
    assertThat(in(0xf0)).isZero();
    out(0x10, 1);
    clock.advance(MILLI);
    assertThat(in(0xf0)).isEqualTo(100_000);
    out(0x10, 0);
    clock.advance(MILLI);
    assertThat(mmio.read(BASE + 0xf0, 8)).isEqualTo(100_000);
  }

  @Test
  void linuxPeriodicTickInLegacyReplacement() {
    hpet(Hpet.powerOn());
    out(0x10, 0);
    out(0xf0, 0);
    out(0xf4, 0);
    out(0x10, 3);
    assertThat(legacy).isTrue();
    long delta = 1_000_000;
    out(0x100, in(0x100) & ~2 | 0x14c);
    out(0x108, delta);
    out(0x108, delta);
    clock.advance(10 * MILLI - 1);
    assertThat(rises[0]).isZero();
    clock.advance(90 * MILLI + 1);
    assertThat(rises[0]).isEqualTo(10);
    assertThat(rises[2]).isZero();
    out(0x10, 1);
    assertThat(legacy).isFalse();
  }

  @Test
  void linuxOneShotComesOnceEvenWhenAlreadyPast() {
    hpet(Hpet.powerOn());
    out(0x10, 3);
    out(0x100, 0x104);
    rises[0] = 0;
    out(0x108, in(0xf0) + 5000);
    clock.advance(MILLI);
    assertThat(rises[0]).isEqualTo(1);
    out(0x108, in(0xf0) - 10);
    clock.advance(MILLI);
    assertThat(rises[0]).isEqualTo(2);
    clock.advance(1000 * MILLI);
    assertThat(rises[0]).isEqualTo(2);
  }

  @Test
  void levelInterruptHoldsUntilStatusIsCleared() {
    hpet(Hpet.powerOn());
    out(0x10, 1);
    out(0x140, 0x106 | 2 << 9);
    out(0x148, in(0xf0) + 100);
    clock.advance(MILLI);
    assertThat(levels[2]).isTrue();
    assertThat(in(0x20)).isEqualTo(4);
    out(0x20, 4);
    assertThat(levels[2]).isFalse();
  }

  @Test
  void messagesGoOnlyWhereTheComparatorOffersThem() {
    HpetTimer capable = new HpetTimer(0x8030L, -1, 0, 0);
    HpetState base = Hpet.powerOn();
    hpet(
        new HpetState(
            base.gpa(), base.capabilities(), 0, 0, 0, List.of(capable, base.timers().get(1))));
    out(0x10, 1);
    out(0x110, 0x4031);
    out(0x114, 0xfee01000L);
    out(0x100, 0x4104);
    out(0x120, 0x4104);
    out(0x108, in(0xf0) + 100);
    clock.advance(MILLI);
    assertThat(messages).containsExactly("fee01000:4031");
    assertThat(in(0x120) & 0x4000).isZero();
  }

  @Test
  void aTinyPeriodDoesNotDrownTheMachine() {
    hpet(Hpet.powerOn());
    out(0x10, 3);
    out(0x100, 0x14c);
    out(0x108, 1);
    rises[0] = 0;
    clock.advance(MILLI);
    assertThat(rises[0]).isBetween(10, 60);
  }

  @Test
  void statesSurviveARestore() {
    SplittableRandom random = new SplittableRandom(0x4e9e7);
    for (int round = 0; round < 300; round++) {
      List<HpetTimer> timers = new ArrayList<>();
      for (int timer = 0; timer < 3; timer++) {
        timers.add(
            new HpetTimer(
                random.nextLong() & 0x3f06L | 0x30,
                random.nextLong(),
                random.nextLong(),
                random.nextLong()));
      }
      HpetState state =
          new HpetState(
              BASE,
              10_000_000L << 32 | 0x8086a201L,
              random.nextInt(4),
              random.nextInt(8),
              random.nextLong(),
              timers);
      assertThat(hpet(state).state()).isEqualTo(state);
    }
  }
}
