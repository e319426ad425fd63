package dev.here.driver.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.ffi.Downcall;
import dev.here.ffi.Errno;
import dev.here.ffi.NativeFunction;
import dev.here.formats.control.ControlMessage;
import dev.here.hypervisor.Primary;
import dev.here.hypervisor.UnprotectableException;
import dev.here.machine.MachineState;
import dev.here.machine.Msr;
import dev.here.testkit.PrimaryContract;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.opentest4j.TestAbortedException;

/** The contract on a VMM process with a guest of 2 vCPUs. */
@Timeout(120)
class VmmPrimaryTest extends PrimaryContract {
  private static final int CLONE_NEWNET = 0x40000000;
  private static final NativeFunction UNSHARE = Downcall.libc().function("unshare");

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
    try (VmmControl control = VmmControl.connect(guest.running().socket())) {
      assertThat(VmmGuest.of(control)).isEqualTo(new VmmGuest(2, List.of(), List.of()));
      control.done(new ControlMessage.Track(true));
      control.ask(new ControlMessage.Capture(), ControlMessage.Captured.class);
      assertThatThrownBy(() -> VmmGuest.of(control)).isInstanceOf(UnprotectableException.class);
      assertThat(VmmGuest.undo(control)).hasSize(1);
      assertThat(VmmGuest.of(control).vcpus()).isEqualTo(2);
    }
  }

  /** In a network namespace that belongs to a thread of the test and to the VMM that it starts. */
  @Test
  void aGuestsPortsAreTheTapsOfItsCards() throws Exception {
    Assumptions.assumeTrue(
        Files.exists(Path.of("/dev/net/tun")), "this machine has no /dev/net/tun");
    CompletableFuture<VmmGuest> found = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(() -> {
          try {
            int result = UNSHARE.callInt(CLONE_NEWNET);
            Assumptions.assumeTrue(
                result == 0, () -> "no network namespace: " + Errno.name(-result));
            VmmStandby standby =
                guest.standby(List.of("--nic", "tap=here0", "--nic", "tap=here1,queues=2"));
            try (VmmControl control = VmmControl.connect(guest.running(standby).socket())) {
              found.complete(VmmGuest.of(control));
            }
          } catch (Throwable t) {
            found.completeExceptionally(t);
          }
        });
    VmmGuest seen = looked(found);
    assertThat(seen.ports()).containsExactly("here0", "here1");
    assertThat(seen.cards()).extracting(ControlMessage.Card::queuePairs).containsExactly(1, 2);
  }

  private static VmmGuest looked(CompletableFuture<VmmGuest> found) throws Exception {
    try {
      return found.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TestAbortedException skipped) {
        throw skipped;
      }
      throw e;
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
