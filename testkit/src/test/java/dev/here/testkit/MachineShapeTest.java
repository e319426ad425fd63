package dev.here.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.MachineShape;
import dev.here.machine.MachineState;
import dev.here.machine.Platform;
import org.junit.jupiter.api.Test;

class MachineShapeTest {
  private final MachineState state = SampleMachine.state(1, 2, 16);

  @Test
  void staysFromCheckpointToCheckpoint() {
    FakeGuest guest = new FakeGuest(3, 16);
    assertThat(MachineShape.of(guest.machine(2))).isEqualTo(MachineShape.of(guest.machine(1)));
  }

  @Test
  void isAnotherWhereTheMachineIs() {
    MachineShape shape = MachineShape.of(state);
    assertThat(MachineShape.of(SampleMachine.state(1, 1, 16))).isNotEqualTo(shape);
    assertThat(MachineShape.of(SampleMachine.state(1, 2, 17))).isNotEqualTo(shape);
    assertThat(MachineShape.of(state.on(new Platform("sample-1", "other", "sample"))))
        .isNotEqualTo(shape);
  }
}
