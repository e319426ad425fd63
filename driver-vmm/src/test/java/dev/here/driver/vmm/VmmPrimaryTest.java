package dev.here.driver.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.formats.control.ControlMessage;
import dev.here.hypervisor.Primary;
import dev.here.hypervisor.UnprotectableException;
import dev.here.machine.MachineState;
import dev.here.machine.Msr;
import dev.here.testkit.PrimaryContract;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
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

  /**
   * KVM's list leaves out what a guest cannot do without once it moves again, and names what is not
   * the guest's.
   */
  @Test
  void theStateHasTheRegistersThatAGuestTakesAlong() {
    try (VmmPrimary primary = VmmPrimary.attach(guest.running().socket())) {
      MachineState state = primary.rehearse();
      assertThat(state.vcpus())
          .allSatisfy(vcpu ->
              assertThat(vcpu.msrs())
                  .extracting(Msr::index)
                  .contains(0x179, 0x2ff)
                  .doesNotContain(0x40000010));
      assertThat(primary.progress(1_000_000_000L).paused()).isFalse();
    }
  }

  @Test
  void aGuestIsLookedAtAndWhatAControllerLeftIsUndone() {
    try (VmmControl control = VmmControl.connect(guest.running().socket());
        VmmFrames frames = new VmmFrames(guest.running().socket())) {
      assertThat(VmmGuest.of(control)).isEqualTo(new VmmGuest(2, List.of()));
      control.done(new ControlMessage.Track(true));
      control.ask(new ControlMessage.Capture(), ControlMessage.Captured.class);
      frames.hold(1);
      assertThatThrownBy(() -> VmmGuest.of(control)).isInstanceOf(UnprotectableException.class);
      assertThat(VmmGuest.undo(control)).hasSize(2);
      assertThat(VmmGuest.of(control).vcpus()).isEqualTo(2);
    }
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
