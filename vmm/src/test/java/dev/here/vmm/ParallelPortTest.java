package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.ParallelState;
import org.junit.jupiter.api.Test;

class ParallelPortTest {
  private final PortBus ports = new PortBus();

  private ParallelPort port(ParallelState state) {
    ParallelPort made = new ParallelPort(state);
    made.attach(ports);
    return made;
  }

  @Test
  void theProbeFindsItsRegisters() {
    ParallelPort made = port(new ParallelState(0x378, 7, 0, 0xd8, 0xcc));
    for (int value : new int[] {0xaa, 0x55}) {
      ports.write(0x378, 1, value);
      assertThat(ports.read(0x378, 1)).isEqualTo(value);
    }
    ports.write(0x37a, 1, 0x0c);
    assertThat(ports.read(0x37a, 1)).isEqualTo(0xcc);
    ParallelState state = made.state();
    assertThat(port(state).state()).isEqualTo(state);
  }

  @Test
  void aStrobedOctetIsAcknowledged() {
    port(new ParallelState(0x378, 7, 0, 0xd8, 0xcc));
    ports.write(0x378, 1, 'x');
    ports.write(0x37a, 1, 0x0d);
    assertThat(ports.read(0x379, 1) & 0x80).isZero();
    ports.write(0x37a, 1, 0x0c);
    ports.read(0x379, 1);
    assertThat(ports.read(0x379, 1) & 0x40).isZero();
    assertThat(ports.read(0x379, 1) & 0xc0).isEqualTo(0xc0);
  }
}
