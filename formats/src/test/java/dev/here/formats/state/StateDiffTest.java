package dev.here.formats.state;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.testkit.SampleMachine;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class StateDiffTest {
  private final JsonNode two = MachineStateCodec.tree(SampleMachine.state(1, 2, 16));

  @Test
  void equalStatesHaveNoDifference() {
    assertThat(StateDiff.between(two, two)).isEmpty();
  }

  @Test
  void aMissingProcessorIsNamed() {
    JsonNode one = MachineStateCodec.tree(SampleMachine.state(1, 1, 16));
    assertThat(StateDiff.between(two, one))
        .anySatisfy(difference -> {
          assertThat(difference.path()).isEqualTo("vcpus[1]");
          assertThat(difference.after()).isEqualTo("absent");
        });
  }

  @Test
  void aChangedRegisterIsNamedWithBothValues() {
    JsonNode other = MachineStateCodec.tree(SampleMachine.state(2, 2, 16));
    assertThat(StateDiff.between(two, other))
        .extracting(StateDiff.Difference::path)
        .contains("vcpus[0].general.rip", "clock.kvmClockNanos")
        .doesNotContain("clock.tscKhz");
  }

  @Test
  void theTextShowsLargeValuesInHexadecimal() {
    assertThat(StateText.render(two))
        .contains("apicBase: 0xfee00900", "machineType=pc-sample", "tscKhz=0x27ac40");
  }
}
