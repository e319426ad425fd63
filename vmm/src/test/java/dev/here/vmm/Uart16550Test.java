package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.Bytes;
import dev.here.machine.SerialState;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class Uart16550Test {
  private final PortBus ports = new PortBus();
  private final StringBuilder sent = new StringBuilder();
  private boolean irq;

  private Uart16550 uart(SerialState state) {
    Uart16550 uart =
        new Uart16550(state, octet -> sent.append((char) octet), asserted -> irq = asserted);
    uart.attach(ports);
    return uart;
  }

  private void out(int register, int value) {
    ports.write(0x3f8 + register, 1, value);
  }

  private int in(int register) {
    return ports.read(0x3f8 + register, 1);
  }

  @Test
  void linuxProbesA16550A() {
    uart(Uart16550.powerOn(0x3f8, 4));
    out(1, 0);
    assertThat(in(1)).isZero();
    out(1, 0x0f);
    assertThat(in(1)).isEqualTo(0x0f);
    out(1, 0);
    out(4, 0x1a);
    assertThat(in(6) & 0xf0).isEqualTo(0x90);
    out(4, 0x08);
    out(2, 1);
    assertThat(in(2) & 0xc0).isEqualTo(0xc0);
    out(3, 0x80);
    out(0, 1);
    out(1, 0);
    assertThat(in(0)).isEqualTo(1);
    out(3, 3);
  }

  @Test
  void sendsAndInterruptsWhenEmpty() {
    uart(Uart16550.powerOn(0x3f8, 4));
    out(1, 2);
    assertThat(irq).isTrue();
    assertThat(in(2) & 0xf).isEqualTo(2);
    assertThat(irq).isFalse();
    out(0, 'x');
    assertThat(sent.toString()).isEqualTo("x");
    assertThat(irq).isTrue();
    assertThat(in(5) & 0x60).isEqualTo(0x60);
  }

  @Test
  void receivesIntoItsFifoAndOverruns() {
    Uart16550 uart = uart(Uart16550.powerOn(0x3f8, 4));
    out(2, 0x81);
    out(1, 5);
    uart.receive('a');
    assertThat(irq).isTrue();
    assertThat(in(2)).isEqualTo(0xcc);
    for (int more = 0; more < 15; more++) {
      uart.receive('b');
    }
    assertThat(uart.room()).isZero();
    assertThat(in(2)).isEqualTo(0xc4);
    uart.receive('c');
    assertThat(in(2)).isEqualTo(0xc6);
    assertThat(in(5) & 0x03).isEqualTo(3);
    assertThat(in(0)).isEqualTo('a');
    assertThat(uart.state().receiveFifo().length()).isEqualTo(15);
  }

  @Test
  void finishesWhatTheSourceHadNotSent() {
    SerialState on = Uart16550.powerOn(0x3f8, 4);
    uart(
        new SerialState(
            0x3f8,
            4,
            1,
            0,
            'c',
            2,
            1,
            0xc1,
            3,
            8,
            0,
            0xb0,
            0,
            false,
            false,
            Bytes.EMPTY,
            Bytes.of(new byte[] {'a', 'b', 'c'})));
    assertThat(sent.toString()).isEqualTo("abc");
    assertThat(irq).isTrue();
    assertThat(on.transmitFifo()).isEqualTo(Bytes.EMPTY);
  }

  @Test
  void statesSurviveARestore() {
    SplittableRandom random = new SplittableRandom(0x16550);
    for (int round = 0; round < 500; round++) {
      Uart16550 uart = uart(Uart16550.powerOn(0x3f8, 4));
      for (int step = 0; step < 20; step++) {
        if (random.nextBoolean()) {
          out(random.nextInt(8), random.nextInt(256));
        } else if (random.nextBoolean()) {
          in(random.nextInt(8));
        } else {
          uart.receive(random.nextInt(256));
        }
      }
      SerialState state = uart.state();
      assertThat(uart(state).state()).isEqualTo(state);
    }
  }
}
