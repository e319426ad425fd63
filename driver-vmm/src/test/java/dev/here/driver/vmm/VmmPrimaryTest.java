package dev.here.driver.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.hypervisor.Primary;
import dev.here.machine.MachineState;
import dev.here.testkit.PrimaryContract;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Timeout;

/** The contract on a VMM process with a guest of 2 vCPUs. */
@Timeout(120)
class VmmPrimaryTest extends PrimaryContract {
  private final BareMetalGuest guest;

  VmmPrimaryTest() throws IOException {
    guest = new BareMetalGuest(2);
  }

  @Override
  protected Primary start() {
    return VmmPrimary.attach(guest.running().socket());
  }

  @Override
  protected void stop() throws Exception {
    guest.close();
  }

  @Override
  protected void checkConsistent(MemorySegment memory, MachineState state) {
    assertThat(guest.guest.verify(memory)).isEmpty();
    for (int vcpu = 0; vcpu < 2; vcpu++) {
      // The count of steps that the program keeps in R10 and stores after each.
      long register = state.vcpus().get(vcpu).general().r10();
      long generation = guest.guest.generation(memory, vcpu);
      assertThat(register / ((1 << 20) / 256)).isBetween(generation, generation + 1);
    }
  }
}
