package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.RtcState;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RtcTest {
  private static final long MILLI = 1_000_000;
  private static final long SECOND = 1_000 * MILLI;
  private static final long START =
      LocalDateTime.of(2024, 2, 28, 23, 59, 58).toEpochSecond(ZoneOffset.UTC);

  private FakeClock clock = new FakeClock(42);
  private final PortBus ports = new PortBus();
  private boolean irq;
  private int rises;

  private Rtc rtc(RtcState state) {
    Rtc rtc =
        new Rtc(
            state,
            clock,
            asserted -> {
              rises += asserted && !irq ? 1 : 0;
              irq = asserted;
            });
    rtc.attach(ports);
    return rtc;
  }

  private int in(int register) {
    ports.write(0x70, 1, register | 0x80);
    return ports.read(0x71, 1);
  }

  private void out(int register, int value) {
    ports.write(0x70, 1, register);
    ports.write(0x71, 1, value);
  }

  @Test
  void showsTheDateInBcdAcrossALeapDay() {
    rtc(Rtc.powerOn(START, 256L << 20));
    assertThat(in(4)).isEqualTo(0x23);
    clock.advance(3 * SECOND);
    assertThat(in(0)).isEqualTo(0x01);
    assertThat(in(7)).isEqualTo(0x29);
    assertThat(in(8)).isEqualTo(0x02);
    assertThat(in(9)).isEqualTo(0x24);
    assertThat(in(0x32)).isEqualTo(0x20);
    assertThat(in(6)).isEqualTo(5);
    assertThat(in(0x0d)).isEqualTo(0x80);
  }

  @Test
  void updateInProgressJustBeforeTheSecond() {
    rtc(Rtc.powerOn(START, 0));
    clock.advance(SECOND - 200_000);
    assertThat(in(0x0a) & 0x80).isEqualTo(0x80);
    clock.advance(200_000);
    assertThat(in(0x0a) & 0x80).isZero();
  }

  @Test
  void setsTheTimeWhileStopped() {
    Rtc rtc = rtc(Rtc.powerOn(START, 0));
    out(0x0b, 0x82);
    clock.advance(10 * SECOND);
    out(0, 0x30);
    out(2, 0x15);
    out(4, 0x12);
    assertThat(in(0)).isEqualTo(0x30);
    out(0x0b, 0x02);
    clock.advance(SECOND);
    assertThat(in(0)).isEqualTo(0x31);
    assertThat(rtc.state().guestSeconds())
        .isEqualTo(LocalDateTime.of(2024, 2, 28, 12, 15, 31).toEpochSecond(ZoneOffset.UTC));
  }

  @Test
  void updateInterruptsEverySecondUntilFlagsAreReadAgain() {
    rtc(Rtc.powerOn(START, 0));
    out(0x0b, 0x12);
    clock.advance(SECOND + MILLI);
    assertThat(irq).isTrue();
    assertThat(in(0x0c)).isEqualTo(0x90);
    assertThat(irq).isFalse();
    clock.advance(SECOND);
    assertThat(rises).isEqualTo(2);
  }

  @Test
  void alarmComesAtItsTime() {
    rtc(Rtc.powerOn(START, 0));
    out(1, 0x05);
    out(3, 0x00);
    out(5, 0xff);
    out(0x0b, 0x22);
    clock.advance(6 * SECOND);
    assertThat(rises).isZero();
    clock.advance(SECOND);
    assertThat(rises).isEqualTo(1);
    assertThat(in(0x0c)).isEqualTo(0xb0);
    clock.advance(3600 * SECOND);
    assertThat(rises).isEqualTo(2);
  }

  @Test
  void periodicInterruptKeepsItsPhaseAcrossARestore() {
    Rtc first = rtc(Rtc.powerOn(START, 0));
    out(0x0a, 0x2d);
    out(0x0b, 0x42);
    clock.advance(300 * MILLI);
    assertThat(in(0x0c)).isEqualTo(0xc0);
    RtcState state = first.state();
    assertThat(state.nanosToPeriodic()).isBetween(74 * MILLI, 76 * MILLI);
    out(0x0b, 0x02);
    rtc(state);
    rises = 0;
    clock.advance(74 * MILLI);
    assertThat(rises).isZero();
    clock.advance(2 * MILLI);
    assertThat(rises).isEqualTo(1);
  }

  @Test
  void hpetSilencesIt() {
    Rtc rtc = rtc(Rtc.powerOn(START, 0));
    rtc.replaced(true);
    out(0x0b, 0x12);
    clock.advance(2 * SECOND);
    assertThat(irq).isFalse();
    rtc.replaced(false);
    assertThat(irq).isTrue();
  }

  @Test
  void binaryTwelveHourClock() {
    rtc(Rtc.powerOn(START, 0));
    out(0x0b, 0x04);
    assertThat(in(4)).isEqualTo(0x8b);
    assertThat(in(2)).isEqualTo(59);
  }

  @Test
  void statesSurviveARestore() {
    SplittableRandom random = new SplittableRandom(0x146818);
    for (int round = 0; round < 200; round++) {
      clock = new FakeClock(random.nextLong(1L << 50));
      Rtc rtc = rtc(Rtc.powerOn(random.nextLong(0, 4_000_000_000L), 1L << 30));
      out(0x0a, 0x20 | random.nextInt(16));
      out(0x0b, random.nextInt(256));
      out(random.nextInt(0x0e, 0x32), random.nextInt(256));
      clock.advance(random.nextLong(0, 1L << 31));
      RtcState state = rtc.state();
      assertThat(rtc(state).state()).isEqualTo(state);
    }
  }
}
