package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.Bytes;
import dev.here.machine.FloppyState;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The controller as a floppy driver probes it. */
class FloppyControllerTest {
  private final PortBus ports = new PortBus();
  private boolean irq;

  /** Idle, as a BIOS leaves it. */
  private static FloppyState idle() {
    return new FloppyState(0, 0xc0, 0x0c, 0, 0, 0x80, 0xc0, 0, Bytes.zero(512), 0, 1, 0);
  }

  private FloppyController controller(FloppyState state) {
    FloppyController made = new FloppyController(state, asserted -> irq = asserted);
    made.attach(ports);
    return made;
  }

  private void command(int... octets) {
    for (int octet : octets) {
      assertThat(ports.read(0x3f4, 1) & 0xc0).isEqualTo(0x80);
      ports.write(0x3f5, 1, octet);
    }
  }

  private List<Integer> result() {
    List<Integer> octets = new ArrayList<>();
    while ((ports.read(0x3f4, 1) & 0xc0) == 0xc0) {
      octets.add(ports.read(0x3f5, 1));
    }
    assertThat(ports.read(0x3f4, 1)).isEqualTo(0x80);
    return octets;
  }

  @Test
  void aResetInterruptsAndAnswersForFourDrives() {
    FloppyController device = controller(idle());
    ports.write(0x3f2, 1, 0x08);
    ports.write(0x3f2, 1, 0x0c);
    assertThat(irq).isTrue();
    for (int drive = 0; drive < 4; drive++) {
      FloppyState between = device.state();
      device = controller(between);
      assertThat(device.state()).isEqualTo(between);
      command(8);
      assertThat(result()).containsExactly(0xc0 | drive, 0);
      assertThat(irq).isFalse();
    }
    command(8);
    assertThat(result()).containsExactly(0x80);
  }

  @Test
  void tellsWhatItIs() {
    controller(idle());
    command(0x0e);
    assertThat(result()).hasSize(10);
    command(0x13, 0, 0x1a, 0);
    assertThat(result()).isEmpty();
    command(0x12, 0);
    command(0x03, 0xaf, 0x02);
    command(0x14);
    assertThat(result()).containsExactly(0);
    command(0x94);
    assertThat(result()).containsExactly(0x10);
    command(0x18);
    assertThat(result()).containsExactly(0x41);
    command(0x10);
    assertThat(result()).containsExactly(0x90);
    command(0x1f);
    assertThat(result()).containsExactly(0x80);
  }

  @Test
  void headsMoveAndReadingFindsNoMedium() {
    FloppyController device = controller(idle());
    command(0x0f, 0, 5);
    assertThat(irq).isTrue();
    FloppyState sought = device.state();
    device = controller(sought);
    assertThat(device.state()).isEqualTo(sought);
    command(8);
    assertThat(result().getFirst()).isEqualTo(0x20);
    command(0x07, 0);
    command(8);
    assertThat(result()).containsExactly(0x20, 0);
    command(4, 0);
    assertThat(result().getFirst() & 0x10).isEqualTo(0x10);
    assertThat(ports.read(0x3f7, 1) & 0x80).isEqualTo(0x80);
    command(0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    assertThat(irq).isTrue();
    List<Integer> ended = result();
    assertThat(ended).hasSize(7);
    assertThat(ended.get(0) & 0xc0).isEqualTo(0x40);
    assertThat(ended.get(1)).isEqualTo(1);
    assertThat(irq).isFalse();
  }

  @Test
  void thePortOfTheIdeControllerIsNotIts() {
    controller(idle());
    assertThat(ports.read(0x3f6, 1)).isEqualTo(0xff);
  }

  @Test
  void statesSurviveARestore() {
    SplittableRandom random = new SplittableRandom(0x3f0);
    for (int round = 0; round < 500; round++) {
      FloppyController device = controller(idle());
      for (int step = 0; step < 60; step++) {
        int port = random.nextBoolean() ? 0x3f5 : 0x3f0 + random.nextInt(8);
        if (random.nextBoolean()) {
          ports.write(port, 1, random.nextInt(256));
        } else {
          ports.read(port, 1);
        }
      }
      FloppyState state = device.state();
      assertThat(controller(state).state()).isEqualTo(state);
    }
  }
}
