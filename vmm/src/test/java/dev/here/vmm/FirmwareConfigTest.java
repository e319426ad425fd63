package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.Bytes;
import dev.here.machine.FirmwareConfigFile;
import dev.here.machine.FirmwareConfigState;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FirmwareConfigTest {
  private static final int COMMAND = 0x1000;
  private static final int TARGET = 0x2000;

  private final FakeMachine machine = new FakeMachine();

  @AfterEach
  void close() {
    machine.close();
  }

  private FirmwareConfig device(FirmwareConfigFile... items) {
    return made(new FirmwareConfigState(0x510, 0, 0, 0, true, List.of(items)));
  }

  private FirmwareConfig made(FirmwareConfigState state) {
    FirmwareConfig made = new FirmwareConfig(state, machine.memory);
    made.attach(machine.ports);
    return made;
  }

  private String read(int octets) {
    StringBuilder text = new StringBuilder();
    for (int at = 0; at < octets; at++) {
      text.append((char) machine.ports.read(0x511, 1));
    }
    return text.toString();
  }

  private int dma(int control, int length, long target) {
    machine.memory.putU32(COMMAND, Integer.reverseBytes(control));
    machine.memory.putU32(COMMAND + 4, Integer.reverseBytes(length));
    machine.memory.putU64(COMMAND + 8, Long.reverseBytes(target));
    machine.ports.write(0x514, 4, 0);
    machine.ports.write(0x518, 4, Integer.reverseBytes(COMMAND));
    return Integer.reverseBytes(machine.memory.u32(COMMAND));
  }

  @Test
  void signsAndHasNoFiles() {
    FirmwareConfig device = device();
    machine.ports.write(0x510, 2, 0);
    assertThat(read(5)).isEqualTo("QEMU\0");
    machine.ports.write(0x510, 2, 1);
    assertThat(machine.ports.read(0x511, 1)).isEqualTo(3);
    machine.ports.write(0x510, 2, 0x19);
    assertThat(read(4)).isEqualTo("\0\0\0\0");
    FirmwareConfigState state = device.state();
    assertThat(state.selected()).isEqualTo(0x19);
    assertThat(state.offset()).isEqualTo(4);
    assertThat(made(state).state()).isEqualTo(state);
  }

  @Test
  void readsByDma() {
    device(new FirmwareConfigFile(0x20, "etc/a", Bytes.of(new byte[] {1, 2, 3})));
    assertThat(Integer.reverseBytes(machine.ports.read(0x514, 4))).isEqualTo(0x51454d55);
    assertThat(Integer.reverseBytes(machine.ports.read(0x518, 4))).isEqualTo(0x20434647);
    machine.memory.putU32(TARGET, -1);
    assertThat(dma(0x20 << 16 | 0x0a, 2, TARGET)).isZero();
    assertThat(machine.memory.u32(TARGET)).isEqualTo(0xffff0201);
    assertThat(dma(0x02, 2, TARGET)).isZero();
    assertThat(machine.memory.u32(TARGET)).isEqualTo(0xffff0003);
    assertThat(dma(0x20 << 16 | 0x0c, 1, 0)).isZero();
    assertThat(machine.ports.read(0x511, 1)).isEqualTo(2);
  }

  @Test
  void refusesWritesAndWhatIsNoMemory() {
    device();
    assertThat(dma(0x20 << 16 | 0x18, 4, TARGET)).isEqualTo(1);
    assertThat(dma(0x02, 16, FakeMachine.RAM_BYTES - 8)).isEqualTo(1);
    assertThat(dma(0x02, -1, 0)).isEqualTo(1);
    machine.ports.write(0x518, 4, Integer.reverseBytes(0x7000_0000));
  }
}
