package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.bench.SeenAnswers;
import dev.here.bench.ServiceGuest;
import dev.here.bench.TwoHosts;
import dev.here.ffi.ProcessPriority;
import dev.here.testkit.NiceValue;
import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/**
 * The product's daemons on this machine's /dev/kvm, between a stock QEMU and our own monitor, while
 * each of their parts dies and a client asks the guest every 10 ms. All cases share the daemons;
 * each has a guest of its own.
 *
 * <p>What the client saw may never be undone: the guest's counters in its answers only rise. How
 * long it had to wait is reported.
 */
@Tag("kvm")
class DaemonEndToEndTest extends OnTwoHosts {
  private static final int MANY_CHECKPOINTS = 40;

  @Test
  void checkpointsLoseNoRequest(TestReporter reporter) {
    try (ServiceGuest guest = hosts.boot("unharmed")) {
      guest.protect();
      guest.awaitAnswers();
      guest.client().mark();
      final SeenAnswers before = guest.client().seen();
      guest.awaitCheckpoints(MANY_CHECKPOINTS);
      assertServes(guest, "checkpoints alone", reporter);
      SeenAnswers after = guest.client().seen();
      assertThat(after.answers()).isGreaterThan(before.answers() + MANY_CHECKPOINTS);
      assertThat(after.lost()).as("%s", after).isEqualTo(before.lost());
    }
  }

  @Test
  void goesOnWhenTheHypervisorIsKilled(TestReporter reporter) {
    try (ServiceGuest guest = hosts.boot("killed")) {
      guest.protect();
      long ticks = guest.ticksInQemu();
      guest.awaitCheckpoints();
      guest.client().mark();
      guest.killQemu();
      guest.awaitRunningAtB();
      assertThat(guest.ticksAtB()).isGreaterThanOrEqualTo(ticks);
      guest.awaitMoreTicks(guest::ticksAtB);
      guest.awaitProtectionState("HANDED_OVER");
      assertServes(guest, "QEMU killed", reporter);
    }
  }

  @Test
  void endsAHypervisorThatHangsAndGoesOn(TestReporter reporter)
      throws IOException, InterruptedException {
    try (ServiceGuest guest = hosts.boot("hung")) {
      guest.protect();
      long ticks = guest.ticksInQemu();
      guest.awaitCheckpoints();
      guest.client().mark();
      guest.hangQemu();
      guest.awaitRunningAtB();
      hosts.await("QEMU has ended", () -> !guest.qemuLives());
      assertThat(guest.ticksAtB()).isGreaterThanOrEqualTo(ticks);
      guest.awaitMoreTicks(guest::ticksAtB);
      assertServes(guest, "QEMU stopped", reporter);
    }
  }

  @Test
  void movesTheGuestByCommand(TestReporter reporter) {
    try (ServiceGuest guest = hosts.boot("moved")) {
      guest.protect();
      long ticks = guest.ticksInQemu();
      guest.client().mark();
      guest.failover("a");
      guest.awaitRunningAtB();
      hosts.await("QEMU has ended", () -> !guest.qemuLives());
      assertThat(guest.ticksAtB()).isGreaterThanOrEqualTo(ticks);
      guest.awaitMoreTicks(guest::ticksAtB);
      guest.awaitProtectionState("SWITCHED_OVER");
      assertServes(guest, "moved by command", reporter);
    }
  }

  @Test
  void aDaemonOnThePrimaryComesBackToItsKeeper(TestReporter reporter) throws InterruptedException {
    try (ServiceGuest guest = hosts.boot("left")) {
      guest.protect();
      ProcessHandle keeper = guest.keeper();
      hosts.await(
          "the keeper goes before others",
          () -> NiceValue.of(keeper).orElseThrow() < 0 || !mayBeRaised());
      guest.client().mark();
      hosts.killHered("a");
      guest.awaitMoreTicks(guest::ticksInQemu);
      hosts.startHered("a");
      guest.awaitProtected();
      assertThat(guest.keeper()).isEqualTo(keeper);
      assertThat(guest.isRedirected()).isTrue();
      guest.unprotect();
      guest.awaitProtectionState("UNPROTECTED");
      // Until then they pass the open gate.
      hosts.await("the guest's frames take their direct way", () -> !guest.isRedirected());
      guest.awaitMoreTicks(guest::ticksInQemu);
      assertServes(
          guest, "hered of the primary killed and started again, then unprotected", reporter);
    }
  }

  @Test
  void aDaemonOnTheStandbyComesBackAndIsFilledAgain(TestReporter reporter)
      throws InterruptedException {
    try (ServiceGuest guest = hosts.boot("spared")) {
      guest.protect();
      ProcessHandle orphan = guest.vmm().orElseThrow();
      guest.client().mark();
      hosts.killHered("b");
      hosts.await(
          "a says why the guest is not safe",
          () ->
              !guest.protection().path("safe").asBoolean(true)
                  && !guest.protection().path("reason").asString("").isEmpty());
      guest.awaitMoreTicks(guest::ticksInQemu);
      hosts.startHered("b");
      guest.awaitProtected();
      assertThat(TwoHosts.lives(orphan)).isFalse();
      long ticks = guest.ticksInQemu();
      guest.awaitCheckpoints();
      guest.client().mark();
      guest.killQemu();
      guest.awaitRunningAtB();
      assertThat(guest.ticksAtB()).isGreaterThanOrEqualTo(ticks);
      assertServes(
          guest, "hered of the standby killed and started again, then QEMU killed", reporter);
    }
  }

  @Test
  void aDaemonThatTookAGuestOverComesBackToIt(TestReporter reporter) throws InterruptedException {
    try (ServiceGuest guest = hosts.boot("kept")) {
      guest.protect();
      guest.killQemu();
      guest.awaitRunningAtB();
      guest.awaitAnswers();
      final long epoch = guest.replica().path("committedEpoch").asLong(0);
      guest.client().mark();
      hosts.killHered("b");
      guest.awaitAnswers();
      hosts.startHered("b");
      hosts.await(
          "b owns the guest again",
          () -> guest.runsAtB() && guest.replica().path("reason").asString("-").isEmpty());
      assertThat(guest.replica().path("committedEpoch").asLong(0)).isEqualTo(epoch);
      assertThat(guest.replica().path("guest").path("alive").asBoolean(false)).isTrue();
      guest.awaitMoreTicks(guest::ticksAtB);
      assertServes(guest, "hered killed and started again where the guest is", reporter);
    }
  }

  @Test
  void aDeadKeeperIsReplaced(TestReporter reporter) {
    try (ServiceGuest guest = hosts.boot("bereft")) {
      guest.protect();
      ProcessHandle keeper = guest.keeper();
      assertThat(guest.isRedirected()).isTrue();
      guest.awaitCheckpoints();
      guest.client().mark();
      final SeenAnswers before = guest.client().seen();
      keeper.destroyForcibly();
      hosts.await("another keeper is there", () -> guest.hasOtherKeeper(keeper));
      guest.awaitAnswers();
      SeenAnswers after = guest.client().seen();
      assertThat(after.lost()).as("%s", after).isEqualTo(before.lost());
      guest.awaitMoreTicks(guest::ticksInQemu);
      guest.awaitProtected();
      assertThat(guest.runsAtB()).isFalse();
      assertServes(guest, "keeper killed", reporter);
    }
  }

  @Test
  void goesOnWhenTheHypervisorDiesWithItsKeeper(TestReporter reporter) {
    try (ServiceGuest guest = hosts.boot("forsaken")) {
      guest.protect();
      long ticks = guest.ticksInQemu();
      ProcessHandle keeper = guest.keeper();
      guest.awaitCheckpoints();
      guest.client().mark();
      keeper.destroyForcibly();
      guest.killQemu();
      guest.awaitRunningAtB();
      assertThat(guest.ticksAtB()).isGreaterThanOrEqualTo(ticks);
      guest.awaitProtectionState("HANDED_OVER");
      hosts.await("the dead guest's gates are gone", () -> !guest.isRedirected());
      assertServes(guest, "keeper and QEMU killed", reporter);
    }
  }

  @Test
  void aDaemonThatComesBackSeesToADeadKeeper(TestReporter reporter) throws InterruptedException {
    try (ServiceGuest guest = hosts.boot("orphaned")) {
      guest.protect();
      ProcessHandle keeper = guest.keeper();
      guest.awaitCheckpoints();
      guest.client().mark();
      hosts.killHered("a");
      keeper.destroyForcibly();
      hosts.await("the keeper is gone", () -> !TwoHosts.lives(keeper));
      hosts.startHered("a");
      hosts.await("another keeper is there", () -> guest.hasOtherKeeper(keeper));
      guest.awaitProtected();
      assertServes(guest, "hered and then its keeper killed, hered started again", reporter);
    }
  }

  @Test
  void aPartitionNeverGivesTwoOwners(TestReporter reporter) {
    try (ServiceGuest guest = hosts.boot("parted")) {
      guest.protect();
      guest.client().mark();
      hosts.part();
      try {
        guest.awaitProtectionState("ALONE");
        guest.awaitMoreTicks(guest::ticksInQemu);
        assertThat(guest.replica().path("state").asString("")).isIn("WATCHING", "SUSPECTING");
      } finally {
        hosts.join();
      }
      guest.awaitProtected();
      assertThat(guest.runsAtB()).isFalse();
      assertThat(guest.qemuLives()).isTrue();
      assertServes(guest, "hosts parted and joined", reporter);
    }
  }

  /** Where this process may not change priorities, its keepers may not either. */
  private static boolean mayBeRaised() {
    return ProcessPriority.mayRestore();
  }
}
