package dev.here.formats.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.machine.MachineState;
import dev.here.testkit.SampleMachine;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MachineStateCodecTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void readsBackWhatItWrote(long seed) {
    MachineState state = SampleMachine.state(seed, 1 + (int) seed, 64);
    assertThat(MachineStateCodec.decode(MachineStateCodec.encode(state))).isEqualTo(state);
  }

  @Test
  void readsTheVersionBefore() {
    MachineState state = SampleMachine.state(6, 2, 64);
    String before =
        new String(MachineStateCodec.encode(state), StandardCharsets.UTF_8)
            .replace("\"version\":2", "\"version\":1")
            .replace(",\"origin\":null", "");
    assertThat(before).doesNotContain("origin");
    assertThat(MachineStateCodec.decode(before.getBytes(StandardCharsets.UTF_8))).isEqualTo(state);
  }

  @Test
  void refusesAnUnknownMember() {
    assertThatThrownBy(() -> decodeChanged("\"version\":2", "\"version\":2,\"surprise\":2"))
        .isInstanceOf(StateFormatException.class)
        .hasMessageContaining("surprise");
  }

  @Test
  void refusesAMissingMember() {
    assertThatThrownBy(() -> decodeChanged("\"tscKhz\":2600000,", ""))
        .isInstanceOf(StateFormatException.class)
        .hasMessageContaining("tscKhz");
  }

  @Test
  void refusesAnotherVersion() {
    assertThatThrownBy(() -> decodeChanged("\"version\":2", "\"version\":3"))
        .isInstanceOf(StateFormatException.class)
        .hasMessageContaining("state.version is 3, must be 2 to 2");
  }

  @Test
  void refusesAValueOutOfBounds() {
    assertThatThrownBy(() -> decodeChanged("\"lowestPriority\":0", "\"lowestPriority\":9"))
        .isInstanceOf(StateFormatException.class)
        .hasMessageContaining("pic.lowestPriority is 9");
  }

  @Test
  void refusesNull() {
    assertThatThrownBy(() -> decodeChanged("\"vmName\":\"sample\"", "\"vmName\":null"))
        .isInstanceOf(StateFormatException.class);
  }

  @Test
  void refusesAStateThatIsTooLarge() {
    assertThatThrownBy(
            () -> MachineStateCodec.decode(new byte[MachineStateCodec.MAX_STATE_BYTES + 1]))
        .isInstanceOf(StateFormatException.class)
        .hasMessageContaining("at most");
  }

  @Test
  void damagedStatesGiveARefusalOrAnotherValidState() {
    byte[] good = MachineStateCodec.encode(SampleMachine.state(9, 2, 16));
    SplittableRandom random = new SplittableRandom(42);
    for (int round = 0; round < 3000; round++) {
      byte[] bad = good.clone();
      for (int hits = random.nextInt(1, 4); hits > 0; hits--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      }
      try {
        MachineState state = MachineStateCodec.decode(bad);
        assertThat(state.version()).isEqualTo(MachineState.VERSION);
      } catch (StateFormatException e) {
        assertThat(e).hasMessageStartingWith("machine state refused");
      }
    }
  }

  private static MachineState decodeChanged(String from, String to) {
    String json = MachineStateCodec.text(MachineStateCodec.encode(SampleMachine.state(1, 1, 16)));
    assertThat(json).contains(from);
    return MachineStateCodec.decode(json.replace(from, to).getBytes(StandardCharsets.UTF_8));
  }
}
