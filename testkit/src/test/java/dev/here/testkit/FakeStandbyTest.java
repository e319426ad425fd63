package dev.here.testkit;

import dev.here.hypervisor.Standby;
import dev.here.machine.MachineState;
import java.lang.foreign.MemorySegment;

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
  protected void fill(MemorySegment memory) {
    guest.replay(memory, 10);
  }
}
