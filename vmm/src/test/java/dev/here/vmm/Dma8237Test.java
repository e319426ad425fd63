package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.DmaChannel;
import dev.here.machine.DmaState;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class Dma8237Test {
  private final PortBus ports = new PortBus();

  private List<Dma8237> controllers(List<DmaState> states) {
    List<Dma8237> made = Dma8237.pair(states);
    made.forEach(controller -> controller.attach(ports));
    return made;
  }

  private static List<DmaState> idle() {
    DmaChannel channel = new DmaChannel(0, 0, 0, 0, 0, 0, 0);
    return Collections.nCopies(
        2, new DmaState(0, 0x0f, 0, 0, false, Collections.nCopies(4, channel)));
  }

  private void out(int port, int value) {
    ports.write(port, 1, value);
  }

  @Test
  void aChannelIsProgrammedOctetByOctet() {
    List<Dma8237> made = controllers(idle());
    out(0x0c, 0);
    out(0x04, 0x34);
    out(0x04, 0x12);
    out(0x05, 0xff);
    out(0x05, 0x01);
    out(0x81, 0x56);
    out(0x0b, 0x46);
    out(0x0a, 0x02);
    assertThat(made.getFirst().state().channels().get(2))
        .isEqualTo(new DmaChannel(0x1234, 0x1ff, 0x1234, 0x1ff, 0x46, 0x56, 0));
    assertThat(made.getFirst().state().mask()).isEqualTo(0x0b);
    assertThat(ports.read(0x04, 1)).isEqualTo(0x34);
    assertThat(ports.read(0x04, 1)).isEqualTo(0x12);
    assertThat(ports.read(0x81, 1)).isEqualTo(0x56);
    out(0x0d, 0);
    assertThat(made.getFirst().state().mask()).isEqualTo(0x0f);
  }

  @Test
  void theSecondHasPortsTwoApart() {
    List<Dma8237> made = controllers(idle());
    out(0xd8, 0);
    out(0xc4, 0x78);
    out(0xc4, 0x56);
    out(0x8b, 0x9a);
    assertThat(made.getLast().state().channels().get(1).baseAddress()).isEqualTo(0x5678);
    assertThat(made.getLast().state().channels().get(1).page()).isEqualTo(0x9a);
    assertThat(made.getFirst().state()).isEqualTo(idle().getFirst());
  }

  @Test
  void statesSurviveARestore() {
    SplittableRandom random = new SplittableRandom(0x8237);
    for (int round = 0; round < 200; round++) {
      List<Dma8237> made = controllers(idle());
      for (int step = 0; step < 40; step++) {
        int port = random.nextBoolean() ? random.nextInt(0x90) : 0xc0 + random.nextInt(0x20);
        if (random.nextBoolean()) {
          out(port, random.nextInt(256));
        } else {
          ports.read(port, 1);
        }
      }
      List<DmaState> states = made.stream().map(Dma8237::state).toList();
      assertThat(controllers(states).stream().map(Dma8237::state).toList()).isEqualTo(states);
    }
  }
}
