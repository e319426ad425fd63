package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.bench.SeenAnswers;
import dev.here.bench.ServiceGuest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/**
 * The way back: a guest that b took over from a's QEMU runs in our own monitor there, is protected
 * from b to a, and each of the parts dies that now protect it. A client asks it every 10 ms from
 * before the first failover to after the last; what it saw may never be undone.
 */
@Tag("kvm")
class FailbackEndToEndTest extends OnTwoHosts {
  /** A guest that b has taken over, and whose client is answered. */
  private static ServiceGuest takenOver(String name) {
    ServiceGuest guest = hosts.boot(name);
    try {
      guest.protect();
      guest.killQemu();
      guest.awaitRunningAtB();
      guest.awaitAnswers();
      return guest;
    } catch (RuntimeException e) {
      guest.close();
      throw e;
    }
  }

  @Test
  void comesBackWhenOurMonitorIsKilled(TestReporter reporter) {
    try (ServiceGuest guest = takenOver("returned")) {
      guest.protectBack();
      guest.awaitCheckpoints();
      guest.client().mark();
      final long ticks = guest.ticksAtB();
      guest.awaitCheckpoints();
      guest.vmm().orElseThrow().destroyForcibly();
      guest.awaitRunningAtA();
      assertThat(guest.ticksAtA()).isGreaterThanOrEqualTo(ticks);
      guest.awaitMoreTicks(guest::ticksAtA);
      guest.awaitProtectionState("HANDED_OVER");
      hosts.await("b shows no guest any more", () -> !guest.runsAtB());
      assertServes(guest, "our monitor killed, back at a", reporter);
    }
  }

  @Test
  void comesBackByCommandAndGoesOnceMore(TestReporter reporter) {
    try (ServiceGuest guest = takenOver("commuter")) {
      guest.protectBack();
      guest.client().mark();
      guest.failover("b");
      guest.awaitRunningAtA();
      guest.awaitProtectionState("SWITCHED_OVER");
      guest.awaitMoreTicks(guest::ticksAtA);
      assertServes(guest, "moved back by command", reporter);
      guest.protectAgain();
      guest.client().mark();
      guest.failover("a");
      guest.awaitRunningAtB();
      guest.awaitMoreTicks(guest::ticksAtB);
      assertServes(guest, "and moved once more", reporter);
    }
  }

  @Test
  void aDeadKeeperIsReplacedAndNoFrameIsLost(TestReporter reporter) {
    try (ServiceGuest guest = takenOver("bereft")) {
      guest.protectBack();
      ProcessHandle keeper = guest.keeper();
      SeenAnswers before = guest.client().seen();
      guest.client().mark();
      keeper.destroyForcibly();
      guest.awaitMoreTicks(guest::ticksAtB);
      hosts.await("another keeper is there", () -> guest.hasOtherKeeper(keeper));
      guest.awaitProtected();
      assertThat(guest.runsAtB()).isTrue();
      assertServes(guest, "keeper killed", reporter);
      // The gate is our monitor's: what it held left when it was opened.
      assertThat(guest.client().seen().lost()).isEqualTo(before.lost());
    }
  }

  @Test
  void aDaemonComesBackToItsKeeperAndOwnsTheGuestAfterIt(TestReporter reporter)
      throws InterruptedException {
    try (ServiceGuest guest = takenOver("left")) {
      guest.protectBack();
      ProcessHandle keeper = guest.keeper();
      guest.client().mark();
      hosts.killHered("b");
      guest.awaitAnswers();
      hosts.startHered("b");
      guest.awaitProtected();
      assertThat(guest.keeper()).isEqualTo(keeper);
      guest.unprotect();
      guest.awaitProtectionState("UNPROTECTED");
      guest.awaitMoreTicks(guest::ticksAtB);
      guest.protectBack();
      assertServes(guest, "hered killed, unprotected, protected again", reporter);
    }
  }

  @Test
  void aDaemonAndItsKeeperDieTogether(TestReporter reporter) throws InterruptedException {
    try (ServiceGuest guest = takenOver("orphaned")) {
      guest.protectBack();
      ProcessHandle keeper = guest.keeper();
      guest.client().mark();
      hosts.killHered("b");
      keeper.destroyForcibly();
      hosts.startHered("b");
      hosts.await("another keeper is there", () -> guest.hasOtherKeeper(keeper));
      guest.awaitProtected();
      assertThat(guest.runsAtB()).isTrue();
      assertServes(guest, "hered and keeper killed", reporter);
    }
  }
}
