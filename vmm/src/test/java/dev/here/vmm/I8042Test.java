package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.I8042State;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class I8042Test {
  private final PortBus ports = new PortBus();
  private boolean keyboardIrq;
  private boolean mouseIrq;
  private int resets;

  private I8042 controller(I8042State state) {
    I8042 controller =
        new I8042(state, on -> keyboardIrq = on, on -> mouseIrq = on, () -> resets++);
    controller.attach(ports);
    return controller;
  }

  private void command(int value) {
    ports.write(0x64, 1, value);
  }

  private void data(int value) {
    ports.write(0x60, 1, value);
  }

  private int status() {
    return ports.read(0x64, 1);
  }

  private int take() {
    return ports.read(0x60, 1);
  }

  @Test
  void linuxProbesTheController() {
    controller(I8042.powerOn());
    assertThat(status() & 1).isZero();
    command(0x20);
    int before = take();
    command(0x60);
    data(before & ~3 | 0x30);
    command(0xd3);
    data(0x5a);
    assertThat(status() & 0x21).isEqualTo(0x21);
    assertThat(take()).isEqualTo(0x5a);
    command(0xa9);
    assertThat(take()).isZero();
    command(0xaa);
    assertThat(take()).isEqualTo(0x55);
    command(0xa8);
    command(0x20);
    assertThat(take() & 0x20).isZero();
  }

  @Test
  void keyboardAnswersWithInterrupts() {
    controller(I8042.powerOn());
    command(0x60);
    data(0x47);
    data(0xff);
    assertThat(keyboardIrq).isTrue();
    assertThat(take()).isEqualTo(0xfa);
    assertThat(take()).isEqualTo(0xaa);
    assertThat(keyboardIrq).isFalse();
    data(0xed);
    assertThat(take()).isEqualTo(0xfa);
    data(2);
    assertThat(take()).isEqualTo(0xfa);
    data(0xf2);
    assertThat(new int[] {take(), take(), take()}).containsExactly(0xfa, 0xab, 0x83);
  }

  @Test
  void mouseAnswersOnItsOwnInterrupt() {
    controller(I8042.powerOn());
    command(0x60);
    data(0x47);
    command(0xd4);
    data(0xff);
    assertThat(mouseIrq).isTrue();
    assertThat(keyboardIrq).isFalse();
    assertThat(status() & 0x21).isEqualTo(0x21);
    assertThat(new int[] {take(), take(), take()}).containsExactly(0xfa, 0xaa, 0);
    command(0xd4);
    data(0xf3);
    assertThat(take()).isEqualTo(0xfa);
    command(0xd4);
    data(200);
    assertThat(take()).isEqualTo(0xfa);
    command(0xd4);
    data(0xe9);
    assertThat(new int[] {take(), take(), take(), take()}).containsExactly(0xfa, 0, 2, 200);
  }

  @Test
  void pulseResetsTheMachine() {
    controller(I8042.powerOn());
    command(0xfe);
    assertThat(resets).isEqualTo(1);
  }

  @Test
  void statesSurviveARestore() {
    SplittableRandom random = new SplittableRandom(0x8042);
    for (int round = 0; round < 500; round++) {
      I8042 controller = controller(I8042.powerOn());
      for (int step = 0; step < 20; step++) {
        ports.write(random.nextBoolean() ? 0x60 : 0x64, 1, random.nextInt(256));
      }
      I8042State state = controller.state();
      assertThat(controller(state).state()).isEqualTo(state);
    }
  }
}
