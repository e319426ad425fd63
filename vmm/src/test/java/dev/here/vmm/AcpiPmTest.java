package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.AcpiPmState;
import dev.here.machine.Bytes;
import java.util.List;
import org.junit.jupiter.api.Test;

class AcpiPmTest {
  private static final long SECOND = 1_000_000_000;

  private final FakeClock clock = new FakeClock(99);
  private final PortBus ports = new PortBus();
  private boolean sci;
  private int powerOffs;

  private AcpiPm pm(AcpiPmState state) {
    return new AcpiPm(
        state, clock, asserted -> sci = asserted, List.of(0, 1), ports, () -> powerOffs++);
  }

  private static AcpiPmState asInQemu() {
    return new AcpiPmState(
        0x600,
        1,
        0x120,
        1,
        12_345_678,
        24,
        0xafe0,
        Bytes.parse("0200"),
        Bytes.parse("0c00"),
        0xf1,
        2,
        0x700,
        Bytes.zero(14),
        0xae00,
        List.of(0, 1, 2),
        0xaf00,
        true,
        1,
        0);
  }

  @Test
  void timerRunsAndTellsItsOverflow() {
    pm(AcpiPm.powerOn());
    clock.advance(SECOND);
    assertThat(ports.read(0x608, 4)).isEqualTo(3_579_545);
    ports.write(0x602, 2, 1);
    clock.advance(SECOND);
    assertThat(sci).isFalse();
    clock.advance(SECOND);
    assertThat(sci).isTrue();
    assertThat(ports.read(0x600, 2)).isEqualTo(1);
    ports.write(0x600, 2, 1);
    assertThat(sci).isFalse();
    clock.advance(3 * SECOND);
    assertThat(sci).isTrue();
    assertThat(ports.read(0x608, 4)).isEqualTo(6 * 3_579_545 & 0xff_ffff);
  }

  @Test
  void softOffEndsTheMachine() {
    pm(AcpiPm.powerOn());
    ports.write(0x604, 2, 1);
    assertThat(powerOffs).isZero();
    ports.write(0x604, 2, 0x2001);
    assertThat(powerOffs).isEqualTo(1);
    assertThat(ports.read(0x604, 2)).isEqualTo(1);
  }

  @Test
  void acpiGoesOnAndOffThroughApm() {
    pm(AcpiPm.powerOn());
    ports.write(0xb2, 1, 0xf0);
    assertThat(ports.read(0x604, 2)).isZero();
    ports.write(0xb2, 1, 0xf1);
    assertThat(ports.read(0x604, 2)).isEqualTo(1);
  }

  @Test
  void generalPurposeEventsInterrupt() {
    pm(asInQemu());
    assertThat(sci).isFalse();
    ports.write(0xafe2, 1, 0x02);
    assertThat(sci).isTrue();
    ports.write(0xafe0, 1, 0x02);
    assertThat(sci).isFalse();
  }

  @Test
  void cpuHotplugRegistersShowTheVcpus() {
    pm(asInQemu());
    assertThat(ports.read(0xaf04, 1)).isEqualTo(1);
    ports.write(0xaf00, 4, 2);
    assertThat(ports.read(0xaf04, 1)).isZero();
  }

  @Test
  void smbusFindsNobody() {
    pm(asInQemu());
    ports.write(0x704, 1, 0xa1);
    ports.write(0x702, 1, 0x48);
    assertThat(ports.read(0x700, 1)).isEqualTo(4);
    ports.write(0x700, 1, 4);
    assertThat(ports.read(0x700, 1)).isZero();
  }

  @Test
  void stateSurvivesARestoreAndMovesItsPorts() {
    AcpiPm pm = pm(asInQemu());
    assertThat(pm.state()).isEqualTo(asInQemu());
    pm.movePm(0xb000);
    assertThat(ports.read(0x604, 2)).isEqualTo(0xffff);
    assertThat(ports.read(0xb004, 2)).isEqualTo(1);
  }
}
