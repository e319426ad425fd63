package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.PitChannel;
import dev.here.machine.PitState;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PitTest {
  private static final long MILLI = 1_000_000;

  private FakeClock clock = new FakeClock(123_456_789);
  private final PortBus ports = new PortBus();
  private int rises;
  private boolean level;

  private Pit pit(PitState state) {
    Pit pit = new Pit(state, clock, this::line);
    pit.attach(ports);
    return pit;
  }

  private void line(boolean asserted) {
    rises += asserted && !level ? 1 : 0;
    level = asserted;
  }

  private void out(int port, int... values) {
    for (int value : values) {
      ports.write(port, 1, value);
    }
  }

  @Test
  void linuxCalibratesItsTscOnCounterTwo() {
    pit(Pit.powerOn());
    out(0x61, ports.read(0x61, 1) & ~2 | 1);
    out(0x43, 0xb0);
    int latch = (int) (PitCounter.HERTZ / 20);
    out(0x42, latch & 0xff, latch >> 8);
    assertThat(ports.read(0x61, 1) & 0x21).isEqualTo(1);
    clock.advance(49 * MILLI);
    assertThat(ports.read(0x61, 1) & 0x20).isZero();
    clock.advance(2 * MILLI);
    assertThat(ports.read(0x61, 1) & 0x20).isEqualTo(0x20);
  }

  @Test
  void linuxQuickCalibrationSeesTheHighOctetFall() {
    pit(Pit.powerOn());
    out(0x61, 1);
    out(0x43, 0xb0);
    out(0x42, 0xff, 0xff);
    ports.read(0x42, 1);
    assertThat(ports.read(0x42, 1)).isEqualTo(0xff);
    clock.advance(256 * 1_000_000_000L / PitCounter.HERTZ + 1000);
    ports.read(0x42, 1);
    assertThat(ports.read(0x42, 1)).isEqualTo(0xfe);
  }

  @Test
  void rateGeneratorInterruptsOnceAPeriod() {
    pit(Pit.powerOn());
    out(0x43, 0x34);
    int latch = 4772;
    out(0x40, latch & 0xff, latch >> 8);
    rises = 0;
    clock.advance(1_000_000_000L);
    assertThat(rises).isEqualTo((int) (PitCounter.HERTZ / latch));
  }

  @Test
  void oneShotInterruptsOnceAndAControlWordStopsIt() {
    pit(Pit.powerOn());
    out(0x43, 0x38);
    out(0x40, 0x00, 0x10);
    rises = 0;
    level = false;
    clock.advance(100 * MILLI);
    assertThat(rises).isEqualTo(1);
    out(0x40, 0x00, 0x10);
    out(0x43, 0x30);
    clock.advance(100 * MILLI);
    assertThat(rises).isEqualTo(1);
    assertThat(clock.pending()).isZero();
  }

  @Test
  void hpetTakesTheInterruptOver() {
    Pit pit = pit(Pit.powerOn());
    out(0x43, 0x34);
    out(0x40, 0x00, 0x10);
    pit.replaced(true);
    rises = 0;
    clock.advance(100 * MILLI);
    assertThat(rises).isZero();
    assertThat(pit.state().channels().getFirst().interruptDisabled()).isTrue();
    pit.replaced(false);
    clock.advance(100 * MILLI);
    assertThat(rises).isGreaterThan(20);
  }

  @Test
  void latchedCountAndStatusStandStill() {
    pit(Pit.powerOn());
    out(0x43, 0x34);
    out(0x40, 0x00, 0x80);
    clock.advance(MILLI);
    out(0x43, 0xc2);
    clock.advance(MILLI);
    assertThat(ports.read(0x40, 1)).isEqualTo(0xb4);
    int count = ports.read(0x40, 1) | ports.read(0x40, 1) << 8;
    assertThat(count).isEqualTo(0x8000 - 1193);
    int running = ports.read(0x40, 1) | ports.read(0x40, 1) << 8;
    assertThat(running).isEqualTo(0x8000 - 2386);
  }

  @Test
  void restoredCounterGoesOnWhereItWas() {
    Pit first = pit(Pit.powerOn());
    out(0x43, 0x34);
    out(0x40, 0x00, 0x80);
    clock.advance(20 * MILLI);
    PitState state = first.state();
    clock = new FakeClock(7_777 * MILLI);
    pit(state);
    rises = 0;
    clock.advance(7 * MILLI);
    assertThat(rises).isZero();
    clock.advance(MILLI);
    assertThat(rises).isEqualTo(1);
  }

  @Test
  void statesSurviveARestore() {
    SplittableRandom random = new SplittableRandom(0x8254);
    for (int round = 0; round < 300; round++) {
      PitState state =
          new PitState(
              List.of(channel(random, true), channel(random, false), channel(random, false)),
              random.nextBoolean(),
              random.nextBoolean());
      assertThat(pit(state).state()).isEqualTo(state);
    }
  }

  private static PitChannel channel(SplittableRandom random, boolean first) {
    return new PitChannel(
        random.nextInt(0x10000),
        random.nextInt(6),
        random.nextBoolean(),
        random.nextInt(4),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextInt(256),
        random.nextInt(0x10000),
        random.nextInt(5),
        random.nextBoolean(),
        random.nextInt(256),
        random.nextLong(-1_000_000, 1L << 50),
        first && random.nextBoolean());
  }
}
