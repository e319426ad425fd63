package dev.here.driver.vmm;

import dev.here.hypervisor.EncodedState;
import dev.here.hypervisor.Standby;
import dev.here.machine.MachineState;
import dev.here.testkit.StandbyContract;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;

/** The contract on a VMM process. */
@Timeout(120)
class VmmStandbyTest extends StandbyContract {
  private final BareMetalGuest guest;

  VmmStandbyTest() throws IOException {
    guest = new BareMetalGuest(1);
  }

  @Override
  protected Standby open() {
    return guest.standby();
  }

  @Override
  protected MachineState state() {
    return guest.state;
  }

  @Override
  protected EncodedState encoded(MachineState state) {
    return BareMetalGuest.encoded(state);
  }

  @Override
  protected void fill(MemorySegment memory) {
    guest.guest.writeTo(memory);
  }

  @AfterEach
  void endProcesses() throws Exception {
    guest.close();
  }
}
