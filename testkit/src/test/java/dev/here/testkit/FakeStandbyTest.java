package dev.here.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.hypervisor.EncodedState;
import dev.here.hypervisor.Standby;
import dev.here.hypervisor.StateRefusedException;
import dev.here.machine.Bytes;
import dev.here.machine.MachineState;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class FakeStandbyTest extends StandbyContract {
  private final FakeGuest guest = new FakeGuest(6, 50);

  @Override
  protected Standby open() {
    return new FakeStandby();
  }

  @Override
  protected MachineState state() {
    return guest.machine(10);
  }

  @Override
  protected EncodedState encoded(MachineState state) {
    return new EncodedState(Bytes.EMPTY, octets -> state);
  }

  @Override
  protected void fill(MemorySegment memory) {
    guest.replay(memory, 10);
  }

  @Test
  void triesAShapeOnceAndRefusesOtherMemory() {
    try (FakeStandby standby = new FakeStandby()) {
      standby.prepare(state().memory(), 1);
      standby.validate(encoded(guest.machine(1)));
      standby.validate(encoded(guest.machine(2)));
      assertThat(standby.tried()).isEqualTo(1);
      assertThatThrownBy(() -> standby.validate(encoded(SampleMachine.state(6, 1, 51))))
          .isInstanceOf(StateRefusedException.class)
          .hasMessageContaining("memory");
      standby.validate(encoded(SampleMachine.state(6, 2, 50)));
      standby.validate(encoded(guest.machine(3)));
      assertThat(standby.tried()).isEqualTo(3);
    }
  }
}
